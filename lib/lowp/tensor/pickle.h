// SPDX-License-Identifier: Apache-2.0
// A pickle as a graph of inert nodes. Nothing is imported, called or executed: a class is its name, an object is the
// name with its arguments.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lowp/base/result.h"

namespace lowp {

enum class NodeKind : std::uint8_t {
  none,
  boolean,
  integer,
  other,  // a float, or an integer beyond 64 bits: nothing that describes a tensor
  text,
  bytes,
  global,      // module and name are the texts of items 0 and 1
  tuple,       // items
  list,        // items; sets too
  dict,        // items: key, value, key, value
  object,      // what `callable` would make of `args`; items as a dict or list would have got them later, and a state
  persistent,  // the persistent id is items 0
};

using NodeId = std::uint32_t;

struct Node {
  NodeKind kind = NodeKind::none;
  std::uint32_t first = 0, count = 0;  // items, in PickleGraph::pool
  NodeId state = 0;                    // of an object, which it was given after it was made; 0 is a None
  std::int64_t number = 0;             // of an integer; bytes of a text; callable and arguments of an object
  const char* bytes = nullptr;         // of a text, in the pickle

  std::string_view text() const {
    return bytes == nullptr ? std::string_view() : std::string_view(bytes, static_cast<std::size_t>(number));
  }
  NodeId callable() const { return static_cast<NodeId>(static_cast<std::uint64_t>(number) >> 32); }
  NodeId args() const { return static_cast<NodeId>(static_cast<std::uint64_t>(number) & 0xFFFFFFFF); }
};

// May be shared and cyclic: walk it with a mark on each node and a cap on the depth.
struct PickleGraph {
  std::deque<Node> nodes;
  std::vector<NodeId> pool;
  NodeId root = 0;

  const Node& operator[](NodeId id) const { return nodes[id]; }
  std::span<const NodeId> items(NodeId id) const { return std::span(pool).subspan(nodes[id].first, nodes[id].count); }
  bool truth(NodeId id) const { return nodes[id].kind == NodeKind::boolean && nodes[id].number != 0; }
  // The value of a text key of a dict or of an object that was given items; a None where there is none.
  NodeId find(NodeId dict, std::string_view key) const;
};

// The graph of a pickle of protocol 2 to 5, whose texts point into `bytes`. An Error for anything cut, unknown or
// larger than 40 million operations or 4 million nodes (some 250,000 tensors); `where` names the pickle.
Result<PickleGraph> read_pickle(std::string_view bytes, const std::string& where);

}  // namespace lowp
