#include <cstring>
#include <unordered_map>

#include "model/formats/pickle.h"

namespace lectern::model::formats {

namespace {
using Kind = PickleValue::Kind;

class Writer {
 public:
  std::string run(const PickleValue* value) {
    count(value);
    out_ = "\x80\x02";
    write(value);
    out_ += '.';
    return std::move(out_);
  }

 private:
  void count(const PickleValue* value) {
    if (value == nullptr || ++uses_[value] > 1) return;
    for (const auto& item : value->items) count(item);
    for (const auto& [key, item] : value->pairs) {
      count(key);
      count(item);
    }
    count(value->state);
  }

  void number(uint64_t value, int width) { out_.append(reinterpret_cast<const char*>(&value), width); }

  void indexed(uint64_t index, char narrow, char wide) {
    out_ += index < 256 ? narrow : wide;
    number(index, index < 256 ? 1 : 4);
  }

  void integer(const PickleValue& v) {
    if (!v.text.empty()) {
      out_ += '\x8b';
      number(v.text.size(), 4);
      out_ += v.text;
    } else if (v.number >= 0 && v.number < 256) {
      out_ += 'K';
      number(static_cast<uint64_t>(v.number), 1);
    } else if (v.number >= INT32_MIN && v.number <= INT32_MAX) {
      out_ += 'J';
      number(static_cast<uint32_t>(v.number), 4);
    } else {
      out_ += "\x8a\x08";
      number(static_cast<uint64_t>(v.number), 8);
    }
  }

  void scalar(const PickleValue& v) {
    switch (v.kind) {
      case Kind::kNone:
        out_ += 'N';
        break;
      case Kind::kBool:
        out_ += v.number != 0 ? '\x88' : '\x89';
        break;
      case Kind::kInt:
        integer(v);
        break;
      case Kind::kFloat: {
        uint64_t bits = 0;
        std::memcpy(&bits, &v.real, 8);
        out_ += 'G';
        number(__builtin_bswap64(bits), 8);
        break;
      }
      case Kind::kText:
        out_ += 'X';
        number(v.text.size(), 4);
        out_ += v.text;
        break;
      case Kind::kBytes:
        out_ += 'B';
        number(v.text.size(), 4);
        out_ += v.text;
        break;
      default:  // kGlobal
        out_ += 'c' + v.text + "\n";
    }
  }

  void sequence(const PickleValue& v) {
    if (v.kind == Kind::kTuple) {
      out_ += '(';
      for (const auto& item : v.items) write(item);
      out_ += 't';
      memo(&v);
      return;
    }
    out_ += v.kind == Kind::kSet ? '\x8f' : ']';
    memo(&v);
    if (v.items.empty()) return;
    out_ += '(';
    for (const auto& item : v.items) write(item);
    out_ += v.kind == Kind::kSet ? '\x90' : 'e';
  }

  void memo(const PickleValue* value) {
    if (uses_[value] < 2) return;
    const uint64_t index = memo_.size();
    memo_[value] = index;
    indexed(index, 'q', 'r');
  }

  void write(const PickleValue* value) {
    if (const auto found = memo_.find(value); found != memo_.end()) {
      indexed(found->second, 'h', 'j');
      return;
    }
    switch (value->kind) {
      case Kind::kList:
      case Kind::kTuple:
      case Kind::kSet:
        sequence(*value);
        break;
      case Kind::kDict:
        out_ += '}';
        memo(value);
        break;
      case Kind::kPersistent:
        write(value->items[0]);
        out_ += 'Q';
        memo(value);
        break;
      case Kind::kReduce:
      case Kind::kNewObject:
        write(value->items[0]);
        write(value->items[1]);
        out_ += value->kind == Kind::kReduce ? 'R' : '\x81';
        memo(value);
        break;
      default:
        scalar(*value);
        memo(value);
    }
    if (!value->pairs.empty()) {
      out_ += '(';
      for (const auto& [key, item] : value->pairs) {
        write(key);
        write(item);
      }
      out_ += 'u';
    }
    if (value->state) {
      write(value->state);
      out_ += 'b';
    }
  }

  std::string out_;
  std::unordered_map<const PickleValue*, int> uses_;
  std::unordered_map<const PickleValue*, uint64_t> memo_;
};
}  // namespace

std::string writePickle(const PickleValue* value) { return Writer().run(value); }

}  // namespace lectern::model::formats
