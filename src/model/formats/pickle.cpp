#include "model/formats/pickle.h"

#include <fmt/format.h>

#include <cstring>
#include <unordered_map>
#include <unordered_set>

namespace lectern::model::formats {

namespace {
using Kind = PickleValue::Kind;
constexpr size_t kMaxValues = 10'000'000;
constexpr int kMaxDepth = 200;

class Machine {
 public:
  explicit Machine(std::string_view bytes) : rest_(bytes) {}

  Result<Pickle> run() {
    while (true) {
      TRY(const auto op, take(1));
      if (op[0] == '.') break;
      TRY_VOID(step(op[0]));
      if (stack_.size() + memo_.size() + out_.values.size() + listed_ > kMaxValues)
        return fail(Code::kTooLarge, "the pickle holds too many values");
    }
    TRY(out_.root, pop());
    TRY_VOID(refuseCycles(out_.root, 0));
    return std::move(out_);
  }

 private:
  static Failure damaged() { return fail(Code::kCorrupt, "the pickle is damaged or cut short"); }

  Result<std::string_view> take(uint64_t n) {
    if (n > rest_.size()) return damaged();
    const auto out = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return out;
  }
  Result<uint64_t> number(int width) {
    TRY(const auto bytes, take(width));
    uint64_t value = 0;
    std::memcpy(&value, bytes.data(), width);
    return value;
  }
  Result<std::string> line() {
    const size_t end = rest_.find('\n');
    if (end == std::string_view::npos) return damaged();
    std::string out(rest_.substr(0, end));
    rest_.remove_prefix(end + 1);
    return out;
  }
  Result<PickleRef> pop() {
    if (stack_.empty() || (!marks_.empty() && marks_.back() == stack_.size())) return damaged();
    PickleRef out = stack_.back();
    stack_.pop_back();
    return out;
  }
  Result<PickleValue*> top() {
    if (stack_.empty()) return damaged();
    return stack_.back();
  }
  Result<std::vector<PickleRef>> popToMark() {
    if (marks_.empty() || marks_.back() > stack_.size()) return damaged();
    const auto from = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<PickleRef> out(from, stack_.end());
    stack_.erase(from, stack_.end());
    marks_.pop_back();
    return out;
  }
  PickleValue& push(Kind kind) {
    out_.values.emplace_back().kind = kind;
    stack_.push_back(&out_.values.back());
    return out_.values.back();
  }
  Result<void> pushText(Kind kind, int width) {
    TRY(const uint64_t length, number(width));
    TRY(const auto bytes, take(length));
    push(kind).text = std::string(bytes);
    return {};
  }
  Result<void> pushInt(int width, bool is_signed) {
    TRY(const uint64_t value, number(width));
    push(Kind::kInt).number = is_signed && width == 4 ? static_cast<int32_t>(value) : static_cast<int64_t>(value);
    return {};
  }
  Result<void> pushLong(int width) {
    TRY(const uint64_t length, number(width));
    TRY(const auto bytes, take(length));
    auto& value = push(Kind::kInt);
    if (length > 8) {
      value.text = std::string(bytes);
    } else if (length > 0) {
      std::memcpy(&value.number, bytes.data(), length);
      const int shift = static_cast<int>(64 - 8 * length);
      value.number = static_cast<int64_t>(static_cast<uint64_t>(value.number) << shift) >> shift;
    }
    return {};
  }
  Result<void> pushTuple(size_t n) {
    std::vector<PickleRef> items(n);
    for (size_t i = n; i-- > 0;) {
      TRY(items[i], pop());
    }
    push(Kind::kTuple).items = std::move(items);
    return {};
  }
  Result<void> setPairs(std::vector<PickleRef> flat) {
    TRY(auto* target, top());
    if (flat.size() % 2 != 0) return damaged();
    listed_ += flat.size();
    for (size_t i = 0; i < flat.size(); i += 2) target->pairs.emplace_back(flat[i], flat[i + 1]);
    return {};
  }
  Result<void> addItems(std::vector<PickleRef> items) {
    TRY(auto* target, top());
    if (target->kind != Kind::kList && target->kind != Kind::kSet) return damaged();
    listed_ += items.size();
    target->items.insert(target->items.end(), items.begin(), items.end());
    return {};
  }
  Result<void> call(Kind kind) {
    TRY(auto arguments, pop());
    TRY(auto callable, pop());
    push(kind).items = {std::move(callable), std::move(arguments)};
    return {};
  }
  Result<void> put(uint64_t index) {
    if (stack_.empty()) return damaged();
    memo_[index] = stack_.back();
    return {};
  }
  Result<void> get(uint64_t index) {
    const auto found = memo_.find(index);
    if (found == memo_.end()) return damaged();
    stack_.push_back(found->second);
    return {};
  }

  Result<void> step(char op);
  Result<void> stepValue(char op);
  Result<void> stepMemo(char op);
  Result<void> global(char op);
  Result<void> refuseCycles(const PickleValue* value, int depth);

  std::string_view rest_;
  std::vector<PickleRef> stack_;
  std::vector<size_t> marks_;
  std::unordered_map<uint64_t, PickleRef> memo_;
  std::unordered_set<const PickleValue*> open_, done_;
  Pickle out_;
  size_t listed_ = 0;  // items of lists and dictionaries, which may repeat one value
};

Result<void> Machine::step(char op) {
  switch (op) {
    case '\x80':  // PROTO
      return take(1).map([](auto) {});
    case '\x95':  // FRAME
      return take(8).map([](auto) {});
    case '(':
      marks_.push_back(stack_.size());
      return {};
    case '0':
      return pop().map([](const auto&) {});
    case '1':
      return popToMark().map([](const auto&) {});
    case '2':  // DUP
      if (stack_.empty()) return damaged();
      stack_.push_back(stack_.back());
      return {};
    case 'a': {
      TRY(auto item, pop());
      return addItems({std::move(item)});
    }
    case 'e':
    case '\x90': {  // APPENDS, ADDITEMS
      TRY(auto items, popToMark());
      return addItems(std::move(items));
    }
    case 's': {
      TRY(auto value, pop());
      TRY(auto key, pop());
      return setPairs({std::move(key), std::move(value)});
    }
    case 'u': {
      TRY(auto flat, popToMark());
      return setPairs(std::move(flat));
    }
    case 'R':
      return call(Kind::kReduce);
    case '\x81':
      return call(Kind::kNewObject);
    case 'Q': {
      TRY(auto id, pop());
      push(Kind::kPersistent).items = {std::move(id)};
      return {};
    }
    case 'b': {
      TRY(auto state, pop());
      TRY(auto* target, top());
      target->state = std::move(state);
      return {};
    }
    case 'c':
    case '\x93':
      return global(op);
    case 'q':
    case 'r':
    case 'h':
    case 'j':
    case '\x94':
      return stepMemo(op);
    default:
      return stepValue(op);
  }
}

Result<void> Machine::stepMemo(char op) {
  if (op == '\x94') return put(memo_.size());
  TRY(const uint64_t index, number(op == 'q' || op == 'h' ? 1 : 4));
  return op == 'q' || op == 'r' ? put(index) : get(index);
}

Result<void> Machine::global(char op) {
  std::string module, name;
  if (op == 'c') {
    TRY(module, line());
    TRY(name, line());
  } else {
    TRY(auto name_value, pop());
    TRY(auto module_value, pop());
    if (name_value->kind != Kind::kText || module_value->kind != Kind::kText) return damaged();
    module = module_value->text;
    name = name_value->text;
  }
  push(Kind::kGlobal).text = module + "\n" + name;
  return {};
}

Result<void> Machine::stepValue(char op) {
  switch (op) {
    case 'N':
      push(Kind::kNone);
      return {};
    case '\x88':
    case '\x89':
      push(Kind::kBool).number = op == '\x88' ? 1 : 0;
      return {};
    case 'K':
      return pushInt(1, false);
    case 'M':
      return pushInt(2, false);
    case 'J':
      return pushInt(4, true);
    case '\x8a':
      return pushLong(1);
    case '\x8b':
      return pushLong(4);
    case 'G': {
      TRY(const uint64_t bits, number(8));
      const uint64_t native = __builtin_bswap64(bits);
      std::memcpy(&push(Kind::kFloat).real, &native, 8);
      return {};
    }
    case 'X':
      return pushText(Kind::kText, 4);
    case '\x8c':
      return pushText(Kind::kText, 1);
    case '\x8d':
      return pushText(Kind::kText, 8);
    case 'U':
      return pushText(Kind::kBytes, 1);
    case 'C':
      return pushText(Kind::kBytes, 1);
    case 'B':
      return pushText(Kind::kBytes, 4);
    case '\x8e':
      return pushText(Kind::kBytes, 8);
    case ']':
      push(Kind::kList);
      return {};
    case '}':
      push(Kind::kDict);
      return {};
    case '\x8f':
      push(Kind::kSet);
      return {};
    case ')':
      return pushTuple(0);
    case '\x85':
      return pushTuple(1);
    case '\x86':
      return pushTuple(2);
    case '\x87':
      return pushTuple(3);
    case 't': {
      TRY(auto items, popToMark());
      push(Kind::kTuple).items = std::move(items);
      return {};
    }
    default:
      return fail(Code::kInvalid, fmt::format("the pickle uses opcode 0x{:02x}, which is not data",
                                           static_cast<unsigned char>(op)));
  }
}

Result<void> Machine::refuseCycles(const PickleValue* value, int depth) {
  if (value == nullptr || done_.contains(value)) return {};
  if (depth > kMaxDepth) return fail(Code::kTooLarge, "the pickle is nested too deep");
  if (!open_.insert(value).second) return fail(Code::kInvalid, "the pickle holds an object that contains itself");
  for (const auto& item : value->items) TRY_VOID(refuseCycles(item, depth + 1));
  for (const auto& [key, item] : value->pairs) {
    TRY_VOID(refuseCycles(key, depth + 1));
    TRY_VOID(refuseCycles(item, depth + 1));
  }
  TRY_VOID(refuseCycles(value->state, depth + 1));
  open_.erase(value);
  done_.insert(value);
  return {};
}
}  // namespace

const PickleValue* PickleValue::find(std::string_view key) const {
  for (const auto& [k, v] : pairs) {
    if (k->kind == Kind::kText && k->text == key) return v;
  }
  return nullptr;
}

bool PickleValue::isGlobal(std::string_view module, std::string_view name) const {
  return kind == Kind::kGlobal && text == std::string(module) + "\n" + std::string(name);
}

Result<Pickle> readPickle(std::string_view bytes) { return Machine(bytes).run(); }

}  // namespace lectern::model::formats
