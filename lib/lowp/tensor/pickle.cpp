// SPDX-License-Identifier: Apache-2.0
// The pickle machine, symbolically: the same stack and memo as Python's, with nodes for values.
#include "lowp/tensor/pickle.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <optional>
#include <span>

#include "lowp/tensor/checked.h"
#include "lowp/tensor/pickle_opcodes.h"

namespace lowp {
namespace {

constexpr std::uint64_t max_operations = 40'000'000;
constexpr std::size_t max_nodes = 4'000'000;
constexpr std::size_t max_items = std::size_t{1} << 24;  // with the gaps that growing containers leave
constexpr std::size_t max_stack = std::size_t{1} << 22;
constexpr std::size_t max_marks = 128;
constexpr std::uint64_t max_integer_bytes = 16;
constexpr int newest_protocol = 5;

// Each step returns whether it could be done; the first that could not leaves what it wanted.
class Machine {
 public:
  explicit Machine(std::string_view bytes) : bytes_(bytes) {
    singletons_[0] = add(NodeKind::none);
    singletons_[1] = add(NodeKind::boolean);
    singletons_[2] = add(NodeKind::boolean, 1);
    singletons_[3] = add(NodeKind::other);
  }

  Result<PickleGraph> run(const std::string& where) {
    while (!stopped_) {
      const std::uint64_t begin = at_;
      if (!step()) {
        const std::string found = begin < bytes_.size()
                                      ? fmt::format("opcode 0x{:02x}", static_cast<unsigned char>(bytes_[begin]))
                                      : std::string("end of data");
        return Error{where, begin, wanted_, found};
      }
    }
    graph_.root = stack_.back();
    return std::move(graph_);
  }

 private:
  bool fail(std::string wanted) {
    wanted_ = std::move(wanted);
    return false;
  }

  // Bytes of the pickle.
  std::optional<std::string_view> take(std::uint64_t count) {
    if (count > bytes_.size() - at_) {
      fail(fmt::format("{} more bytes of pickle", count));
      return std::nullopt;
    }
    const std::string_view taken = bytes_.substr(static_cast<std::size_t>(at_), static_cast<std::size_t>(count));
    at_ += count;
    return taken;
  }
  std::optional<std::uint64_t> take_number(std::uint64_t count) {
    const auto taken = take(count);
    if (!taken) return std::nullopt;
    return little_endian(std::as_bytes(std::span(*taken)));
  }
  std::optional<std::string_view> take_counted(std::uint64_t count_bytes) {
    const auto count = take_number(count_bytes);
    return count ? take(*count) : std::nullopt;
  }
  std::optional<std::string_view> take_line() {
    const auto end = bytes_.find('\n', static_cast<std::size_t>(at_));
    if (end == std::string_view::npos) {
      fail("a line of text");
      return std::nullopt;
    }
    const auto line = take(end - at_);
    ++at_;
    return line;
  }

  // Nodes and the stack. Capacity is checked once per operation, in step().
  NodeId add(NodeKind kind, std::int64_t number = 0, const char* bytes = nullptr) {
    graph_.nodes.push_back({kind, 0, 0, 0, number, bytes});
    return static_cast<NodeId>(graph_.nodes.size() - 1);
  }
  bool push(NodeId id) {
    stack_.push_back(id);
    return true;
  }
  bool push_items(NodeKind kind, std::span<const NodeId> items) {
    const NodeId id = add(kind);
    return append(id, items) && push(id);
  }
  // Items of a node lie together: where they cannot grow, they move to the end of the pool, with room to double.
  bool append(NodeId id, std::span<const NodeId> items) {
    if (items.empty()) return true;
    Node& node = graph_.nodes[id];
    std::vector<NodeId>& pool = graph_.pool;
    const std::size_t count = node.count + items.size();
    const bool grows = node.kind == NodeKind::list || node.kind == NodeKind::dict || node.kind == NodeKind::object;
    if (node.count == 0 || count > std::bit_ceil(std::size_t{node.count})) {
      const std::size_t begin = pool.size(), room = grows ? std::bit_ceil(count) : count;
      if (room > max_items - begin) return fail(fmt::format("at most {} items", max_items));
      pool.resize(begin + room);
      std::copy_n(pool.begin() + node.first, node.count, pool.begin() + static_cast<std::ptrdiff_t>(begin));
      node.first = static_cast<std::uint32_t>(begin);
    }
    std::ranges::copy(items, pool.begin() + node.first + node.count);
    node.count = static_cast<std::uint32_t>(count);
    return true;
  }
  bool push_integer(std::int64_t number) { return push(add(NodeKind::integer, number)); }
  NodeId add_text(NodeKind kind, std::string_view text) {
    return add(kind, static_cast<std::int64_t>(text.size()), text.data());
  }
  bool push_text(NodeKind kind, std::optional<std::string_view> text) { return text && push(add_text(kind, *text)); }
  // What may be popped lies above the last mark.
  std::size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }
  bool need(std::size_t count) {
    return stack_.size() - floor() >= count || fail(fmt::format("{} values on the stack", count));
  }
  NodeId pop() {
    const NodeId top = stack_.back();
    stack_.pop_back();
    return top;
  }
  std::optional<std::vector<NodeId>> pop_to_mark() {
    if (marks_.empty()) {
      fail("a mark on the stack");
      return std::nullopt;
    }
    const auto begin = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<NodeId> items(begin, stack_.end());
    stack_.erase(begin, stack_.end());
    marks_.pop_back();
    return items;
  }

  bool push_marked(NodeKind kind) {
    auto items = pop_to_mark();
    if (!items) return false;
    if (kind == NodeKind::dict && items->size() % 2 != 0) return fail("pairs of key and value");
    return push_items(kind, *items);
  }
  bool push_tuple(std::size_t count) {
    if (!need(count)) return false;
    std::vector<NodeId> items(stack_.end() - static_cast<std::ptrdiff_t>(count), stack_.end());
    stack_.resize(stack_.size() - count);
    return push_items(NodeKind::tuple, items);
  }
  // Adds to the container on top of the stack.
  bool extend(std::span<const NodeId> items, bool pairs) {
    if (pairs && items.size() % 2 != 0) return fail("pairs of key and value");
    if (!need(1)) return false;
    const Node& container = graph_.nodes[stack_.back()];
    const bool fits = container.kind == NodeKind::object || container.kind == (pairs ? NodeKind::dict : NodeKind::list);
    if (!fits) return fail("a container on the stack");
    return append(stack_.back(), items);
  }
  bool extend_by(std::size_t count, bool pairs) {
    if (!need(count + 1)) return false;
    const std::vector<NodeId> items(stack_.end() - static_cast<std::ptrdiff_t>(count), stack_.end());
    stack_.resize(stack_.size() - count);
    return extend(items, pairs);
  }
  bool extend_marked(bool pairs) {
    const auto items = pop_to_mark();
    return items && extend(*items, pairs);
  }
  bool push_object() {
    if (!need(2)) return false;
    const NodeId args = pop(), callable = pop();
    return push(add(NodeKind::object, static_cast<std::int64_t>(std::uint64_t{callable} << 32 | args)));
  }
  bool push_persistent() {
    if (!need(1)) return false;
    const NodeId id = pop();
    return push_items(NodeKind::persistent, std::span(&id, 1));
  }
  bool push_global() {
    const auto module = take_line();
    if (!module) return false;
    const auto name = take_line();
    if (!name) return false;
    const NodeId names[] = {add_text(NodeKind::text, *module), add_text(NodeKind::text, *name)};
    return push_items(NodeKind::global, names);
  }
  bool push_stack_global() {
    if (!need(2)) return false;
    const NodeId names[] = {stack_[stack_.size() - 2], stack_.back()};
    stack_.resize(stack_.size() - 2);
    for (const NodeId name : names) {
      if (graph_[name].kind != NodeKind::text) return fail("two texts");
    }
    return push_items(NodeKind::global, names);
  }
  // Two's complement, little-endian; beyond 64 bits only that it is a number.
  bool push_long(std::uint64_t count_bytes) {
    const auto count = take_number(count_bytes);
    if (!count) return false;
    if (*count > max_integer_bytes) return fail(fmt::format("an integer of at most {} bytes", max_integer_bytes));
    const auto digits = take(*count);
    if (!digits) return false;
    if (digits->size() > 8) return push(singletons_[3]);
    std::uint64_t bits = little_endian(std::as_bytes(std::span(*digits)));
    const bool negative = !digits->empty() && (static_cast<unsigned char>(digits->back()) & 0x80) != 0;
    if (negative && digits->size() < 8) bits |= ~std::uint64_t{0} << (8 * digits->size());
    return push_integer(static_cast<std::int64_t>(bits));
  }
  bool push_number(std::uint64_t count) {
    const auto number = take_number(count);
    if (!number) return false;
    if (count == 4) return push_integer(static_cast<std::int32_t>(static_cast<std::uint32_t>(*number)));
    return push_integer(static_cast<std::int64_t>(*number));
  }

  // Writers number the memo from 0 upwards, so an index beyond the operations so far is not honest.
  bool put(std::optional<std::uint64_t> index) {
    if (!index || !need(1)) return false;
    if (*index > operations_ || *index >= max_stack) return fail("a memo index that could have been reached");
    if (*index >= memo_.size()) memo_.resize(static_cast<std::size_t>(*index) + 1, unset);
    if (memo_[static_cast<std::size_t>(*index)] == unset) ++memo_count_;
    memo_[static_cast<std::size_t>(*index)] = stack_.back();
    return true;
  }
  bool get(std::optional<std::uint64_t> index) {
    if (!index) return false;
    if (*index >= memo_.size() || memo_[static_cast<std::size_t>(*index)] == unset) return fail("a memo index in use");
    return push(memo_[static_cast<std::size_t>(*index)]);
  }

  bool step() {
    if (++operations_ > max_operations) return fail(fmt::format("at most {} operations", max_operations));
    if (graph_.nodes.size() + 3 > max_nodes) return fail(fmt::format("at most {} values", max_nodes));
    if (stack_.size() >= max_stack) return fail(fmt::format("at most {} values on the stack", max_stack));
    const auto code = take(1);
    if (!code) return false;
    switch (static_cast<std::uint8_t>((*code)[0])) {
      case op_proto: {
        const auto version = take_number(1);
        return version && (*version <= newest_protocol || fail(fmt::format("at most protocol {}", newest_protocol)));
      }
      case op_frame: return take(8).has_value();
      case op_stop: return stop();
      case op_mark:
        if (marks_.size() >= max_marks) return fail(fmt::format("at most {} levels", max_marks));
        marks_.push_back(stack_.size());
        return true;
      case op_pop: return pop_one();
      case op_pop_mark: return pop_to_mark().has_value();
      case op_dup: return need(1) && push(stack_.back());
      case op_none: return push(singletons_[0]);
      case op_newfalse: return push(singletons_[1]);
      case op_newtrue: return push(singletons_[2]);
      case op_binfloat: return take(8) && push(singletons_[3]);
      case op_binint: return push_number(4);
      case op_binint1: return push_number(1);
      case op_binint2: return push_number(2);
      case op_long1: return push_long(1);
      case op_long4: return push_long(4);
      case op_binunicode: return push_text(NodeKind::text, take_counted(4));
      case op_short_binunicode: return push_text(NodeKind::text, take_counted(1));
      case op_binunicode8: return push_text(NodeKind::text, take_counted(8));
      case op_short_binstring: return push_text(NodeKind::text, take_counted(1));
      case op_binstring: return push_text(NodeKind::text, take_counted(4));
      case op_short_binbytes: return push_text(NodeKind::bytes, take_counted(1));
      case op_binbytes: return push_text(NodeKind::bytes, take_counted(4));
      case op_binbytes8:
      case op_bytearray8: return push_text(NodeKind::bytes, take_counted(8));
      case op_empty_list:
      case op_empty_set: return push_items(NodeKind::list, {});
      case op_empty_dict: return push_items(NodeKind::dict, {});
      case op_empty_tuple: return push_items(NodeKind::tuple, {});
      case op_list:
      case op_frozenset: return push_marked(NodeKind::list);
      case op_dict: return push_marked(NodeKind::dict);
      case op_tuple: return push_marked(NodeKind::tuple);
      case op_tuple1: return push_tuple(1);
      case op_tuple2: return push_tuple(2);
      case op_tuple3: return push_tuple(3);
      case op_append: return extend_by(1, false);
      case op_appends:
      case op_additems: return extend_marked(false);
      case op_setitem: return extend_by(2, true);
      case op_setitems: return extend_marked(true);
      case op_binput: return put(take_number(1));
      case op_long_binput: return put(take_number(4));
      case op_memoize: return put(memo_count_);
      case op_binget: return get(take_number(1));
      case op_long_binget: return get(take_number(4));
      case op_global: return push_global();
      case op_stack_global: return push_stack_global();
      case op_reduce:
      case op_newobj: return push_object();
      case op_newobj_ex: return need(3) && drop() && push_object();
      case op_build: return build();
      case op_binpersid: return push_persistent();
      default: return fail("a pickle opcode of protocol 2 to 5");
    }
  }
  bool build() {
    if (!need(2)) return false;
    const NodeId state = pop();
    graph_.nodes[stack_.back()].state = state;
    return true;
  }
  bool drop() {
    pop();
    return true;
  }
  bool pop_one() {
    if (!marks_.empty() && stack_.size() == marks_.back()) {  // Python's POP takes a mark as well
      marks_.pop_back();
      return true;
    }
    return need(1) && drop();
  }
  bool stop() {
    if (!marks_.empty() || stack_.size() != 1) return fail("one value at the end");
    stopped_ = true;
    return true;
  }

  static constexpr NodeId unset = ~NodeId{0};
  std::string_view bytes_;
  std::uint64_t at_ = 0;
  std::uint64_t operations_ = 0;
  bool stopped_ = false;
  PickleGraph graph_;
  NodeId singletons_[4] = {};
  std::vector<NodeId> stack_;
  std::vector<std::size_t> marks_;
  std::vector<NodeId> memo_;
  std::uint64_t memo_count_ = 0;
  std::string wanted_;
};

}  // namespace

NodeId PickleGraph::find(NodeId dict, std::string_view key) const {
  const bool pairs = nodes[dict].kind == NodeKind::dict || nodes[dict].kind == NodeKind::object;
  const std::span<const NodeId> all = items(dict);
  for (std::size_t i = 0; pairs && i + 1 < all.size(); i += 2) {
    if (nodes[all[i]].kind == NodeKind::text && nodes[all[i]].text() == key) return all[i + 1];
  }
  return 0;  // the first node is None
}

Result<PickleGraph> read_pickle(std::string_view bytes, const std::string& where) {
  return Machine(bytes).run(where);
}

}  // namespace lowp
