// SPDX-License-Identifier: Apache-2.0
#include "lowp/gpu_pass/page_plan.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <numeric>
#include <vector>

namespace lowp::gpu {
namespace {

using Hits = std::array<std::uint64_t, plan_keys>;

bool is_normal_key(std::uint32_t key) {
  const std::uint32_t field = key % 256;
  return field != 0 && field != 255;
}

Hits hits_of(std::span<const std::uint32_t> sample) {
  Hits hits{};
  for (const std::uint32_t word : sample) ++hits[plan_key(word)];
  return hits;
}

// Keys of normal numbers that occur, those first that use a tile best.
std::vector<std::uint32_t> ranked(const Hits& hits) {
  std::vector<std::uint32_t> keys;
  for (std::uint32_t key = 0; key < plan_keys; ++key) {
    if (is_normal_key(key) && hits[key] != 0) keys.push_back(key);
  }
  std::ranges::stable_sort(keys, std::greater{}, [&](std::uint32_t key) { return hits[key] * 2 / tiles_of(key); });
  return keys;
}

struct Role {
  std::uint32_t used_tiles = 0;
  std::uint64_t load = 0;  // elements it counts; one in device memory weighs as much as eight
};

std::size_t least_loaded(std::span<const Role> roles, std::uint32_t most_used) {
  std::size_t best = roles.size();
  for (std::size_t r = 0; r < roles.size(); ++r) {
    if (roles[r].used_tiles <= most_used && (best == roles.size() || roles[r].load < roles[best].load)) best = r;
  }
  return best;
}

PagePlan plan_for(const Hits& hits, std::uint32_t tiles, std::uint32_t role_count, std::uint64_t& cold_hits) {
  PagePlan plan;
  plan.roles = role_count;
  plan.tiles = tiles;
  std::memset(plan.place, PagePlan::other, sizeof plan.place);
  std::memset(plan.owner, 0xff, sizeof plan.owner);
  std::array<Role, most_roles> held{};
  const std::span roles(held.data(), role_count);
  cold_hits = 0;
  for (const std::uint32_t key : ranked(hits)) {
    const std::uint32_t needed = tiles_of(key);
    const std::size_t roomy = needed > tiles ? role_count : least_loaded(roles, tiles - needed);
    const bool hot = roomy < role_count;
    const std::size_t role = hot ? roomy : least_loaded(roles, most_tiles);
    plan.place[role][key] = hot ? static_cast<std::uint8_t>(roles[role].used_tiles) : PagePlan::cold;
    if (hot) plan.owner[role][roles[role].used_tiles] = static_cast<std::uint16_t>(key);
    roles[role].used_tiles += hot ? needed : 0;
    roles[role].load += hits[key] * (hot ? 1 : 8);
    cold_hits += hot ? 0 : hits[key];
  }
  std::uint32_t next = 0;  // what the sample did not show is rare: anybody may have it
  for (std::uint32_t key = 0; key < plan_keys; ++key) {
    if (!is_normal_key(key)) plan.place[0][key] = PagePlan::cold;
    if (is_normal_key(key) && hits[key] == 0) plan.place[next++ % role_count][key] = PagePlan::cold;
  }
  return plan;
}

}  // namespace

PagePlan plan_pages(std::span<const std::uint32_t> sample, std::uint32_t tiles) {
  const Hits hits = hits_of(sample);
  tiles = std::min(tiles, most_tiles);
  for (std::uint32_t roles = 1;; roles *= 2) {
    std::uint64_t cold_hits = 0;
    const PagePlan plan = plan_for(hits, tiles, roles, cold_hits);
    if (roles == most_roles || cold_hits * 10 <= sample.size()) return plan;
  }
}

double cold_share(const PagePlan& plan, std::span<const std::uint32_t> sample) {
  std::uint64_t cold = 0;
  for (const std::uint32_t word : sample) {
    const std::uint32_t key = plan_key(word);
    if (!is_normal_key(key)) continue;
    for (std::uint32_t role = 0; role < plan.roles; ++role) cold += plan.place[role][key] == PagePlan::cold ? 1 : 0;
  }
  return sample.empty() ? 0 : static_cast<double>(cold) / static_cast<double>(sample.size());
}

}  // namespace lowp::gpu
