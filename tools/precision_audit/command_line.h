// SPDX-License-Identifier: Apache-2.0
// What every subcommand does with its words before it knows what they mean.
#pragma once

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "arguments.h"
#include "commands.h"
#include "lowp/base/version.h"
#include "terminal.h"

namespace lowp::tool {

// Parses the words, or returns the exit code where nothing is left to do: after --help, and after a line on stderr that
// says what is wrong with them.
inline std::optional<int> parse_or_refuse(CLI::App& app, int argc, char** argv) {
  const auto refuse = [&](std::string_view what) {
    complain(fmt::format("{} (see {} --help)", what, argv[0]));
    return exit_usage;
  };
  // CLI11 would give "--plot=" the next word.
  for (int i = 1; i < argc && std::string_view(argv[i]) != "--"; ++i) {
    const std::string_view word = argv[i];
    if (word.starts_with("--") && word.find('=') == word.size() - 1)
      return refuse(fmt::format("{} has no value", word));
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    return refuse(error.what());
  }
  return {};
}

}  // namespace lowp::tool
