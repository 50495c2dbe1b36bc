// SPDX-License-Identifier: Apache-2.0
#include "lowp/scaling/replay_answer.h"

#include <fmt/format.h>

namespace lowp::scaling {

Result<ReplayAnswer> replay_all(const RunSeries& run, std::span<const Setup> setups, Loop loop, std::string_view loss,
                                bool advises) {
  if (run.steps.size() < static_cast<std::size_t>(loop.accumulate))
    return Error{run.source, std::nullopt, fmt::format("{} steps for one update", loop.accumulate),
                 fmt::format("{}", run.steps.size())};
  const std::string said = loss.empty() ? run.loss_dtype.value_or("") : std::string(loss);
  loop.loss_is_fp16 = said == "fp16" || said == "float16" || said == "torch.float16";
  ReplayAnswer answer;
  answer.run = &run;
  answer.loop = loop;
  for (const Setup& setup : setups) answer.replays.push_back(replay(run, setup, loop));
  answer.advice = advise(run, setups.front(), loop, advises);
  answer.shows_advice = advises;
  answer.loss_known = !said.empty();
  return answer;
}

}  // namespace lowp::scaling
