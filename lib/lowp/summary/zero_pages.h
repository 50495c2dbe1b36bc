// SPDX-License-Identifier: Apache-2.0
// Large tables of zeros of which only the pages that are touched cost memory.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>

namespace lowp {

struct FreePages {
  void operator()(void* pages) const { std::free(pages); }
};
template <class Word>
using ZeroPages = std::unique_ptr<Word[], FreePages>;

// `count` zeros; std::bad_alloc if there is no room for them.
template <class Word>
ZeroPages<Word> zero_pages(std::size_t count) {
  void* const pages = std::calloc(count, sizeof(Word));
  if (pages == nullptr) throw std::bad_alloc();
  return ZeroPages<Word>(static_cast<Word*>(pages));
}

}  // namespace lowp
