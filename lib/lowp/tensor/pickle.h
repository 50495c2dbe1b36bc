// SPDX-License-Identifier: Apache-2.0
// A pickle as a graph of inert nodes. Nothing is imported, called or executed: a class is its name, an object is the
// name with its arguments.
#pragma once

#include <cstdint>
#include <deque>
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
  object,      // what `callable` would make of `args`; items as a dict or list would have got them later
  persistent,  // the persistent id is items 0
};

using NodeId = std::uint32_t;

struct Node {
  NodeKind kind = NodeKind::none;
  NodeId callable = 0;
  NodeId args = 0;
  std::int64_t number = 0;
  std::string_view text;  // in the pickle's bytes
  std::vector<NodeId> items;
};

// May be shared and cyclic: walk it with a mark on each node and a cap on the depth.
struct PickleGraph {
  std::deque<Node> nodes;
  NodeId root = 0;

  const Node& operator[](NodeId id) const { return nodes[id]; }
};

// The graph of a pickle of protocol 2 to 5, whose texts point into `bytes`. An Error for anything cut, unknown or
// larger than 50 million operations or 8 million nodes; `where` names the pickle.
Result<PickleGraph> read_pickle(std::string_view bytes, const std::string& where);

}  // namespace lowp
