#include "contract/event_filter.h"

#include <algorithm>
#include <array>
#include <optional>

namespace lectern::contract {

namespace {

constexpr std::string_view kOr = "$or";

bool isNumericRule(const json::value& value) {
  if (!value.is_array()) return false;
  const json::array& parts = value.get_array();
  if (parts.size() != 2 && parts.size() != 4) return false;
  for (size_t i = 0; i < parts.size(); i += 2) {
    static constexpr std::array<std::string_view, 5> kSigns = {"=", "<", "<=", ">", ">="};
    bool sign = parts[i].is_string() && std::find(kSigns.begin(), kSigns.end(), parts[i].get_string()) != kSigns.end();
    if (!sign || !parts[i + 1].is_number()) return false;
  }
  return true;
}

bool isPlain(const json::value& value) { return value.is_string() || value.is_number(); }

bool isAnythingBut(const json::value& value) {
  if (isPlain(value)) return true;
  if (value.is_array()) {
    auto& list = value.get_array();
    return !list.empty() && std::all_of(list.begin(), list.end(), isPlain);
  }
  if (!value.is_object() || value.get_object().size() != 1) return false;
  auto& [name, inner] = *value.get_object().begin();
  return (name == "prefix" || name == "suffix" || name == "equals-ignore-case" || name == "wildcard") && inner.is_string();
}

/// One entry of a leaf's list.
bool isRule(const json::value& value) {
  if (value.is_null() || value.is_bool() || isPlain(value)) return true;
  if (!value.is_object() || value.get_object().size() != 1) return false;
  auto& [name, argument] = *value.get_object().begin();
  if (name == "exists") return argument.is_bool();
  if (name == "numeric") return isNumericRule(argument);
  if (name == "anything-but") return isAnythingBut(argument);
  if (name == "wildcard") {
    return argument.is_string() && argument.get_string().find("**") == std::string_view::npos;
  }
  return (name == "prefix" || name == "suffix" || name == "equals-ignore-case") && argument.is_string();
}

bool isPattern(const json::value& value) {
  if (!value.is_object() || value.get_object().empty()) return false;
  for (auto& [key, inner] : value.get_object()) {
    if (key == kOr && inner.is_array()) {
      auto& list = inner.get_array();
      if (list.size() < 2 || !std::all_of(list.begin(), list.end(), isPattern)) return false;
    } else if (inner.is_array()) {
      auto& list = inner.get_array();
      if (list.empty() || !std::all_of(list.begin(), list.end(), isRule)) return false;
    } else if (!isPattern(inner)) {
      return false;
    }
  }
  return true;
}

/// `*` stands for any run of characters; in linear space, at most pattern times text steps.
bool fitsWildcard(std::string_view pattern, std::string_view text) {
  size_t p = 0, t = 0, star = std::string_view::npos, resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p, ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

bool equalsIgnoringCase(std::string_view a, std::string_view b) {
  auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

bool fitsText(std::string_view rule, std::string_view argument, const json::value& value) {
  if (!value.is_string()) return false;
  std::string_view text = value.get_string();
  if (rule == "prefix") return text.starts_with(argument);
  if (rule == "suffix") return text.ends_with(argument);
  if (rule == "equals-ignore-case") return equalsIgnoringCase(text, argument);
  return fitsWildcard(argument, text);
}

std::optional<double> numberOf(const json::value& value) {
  json::error_code ignored;
  if (!value.is_number()) return std::nullopt;
  return value.to_number<double>(ignored);
}

bool equals(const json::value& wanted, const json::value& value) {
  if (wanted.is_number() && value.is_number()) return numberOf(wanted) == numberOf(value);
  return wanted == value;
}

bool fitsNumeric(const json::array& rule, const json::value& value) {
  auto number = numberOf(value);
  if (!number) return false;
  for (size_t i = 0; i < rule.size(); i += 2) {
    std::string_view sign = rule[i].get_string();
    double bound = *numberOf(rule[i + 1]);
    bool fits = sign == "=" ? *number == bound : sign == "<" ? *number < bound : sign == "<=" ? *number <= bound
                : sign == ">" ? *number > bound : *number >= bound;
    if (!fits) return false;
  }
  return true;
}

bool fitsAnythingBut(const json::value& excluded, const json::value& value) {
  if (excluded.is_array()) {
    return std::none_of(excluded.get_array().begin(), excluded.get_array().end(),
                        [&](const json::value& one) { return equals(one, value); });
  }
  if (!excluded.is_object()) return !equals(excluded, value);
  auto& [rule, argument] = *excluded.get_object().begin();
  return !fitsText(rule, argument.get_string(), value);
}

/// `value` is null when the record has nothing there.
bool fitsRule(const json::value& rule, const json::value* value) {
  if (rule.is_object()) {
    auto& [name, argument] = *rule.get_object().begin();
    if (name == "exists") return argument.get_bool() == (value != nullptr);
    if (!value) return false;
    // One of a list's values is enough.
    if (value->is_array()) {
      return std::any_of(value->get_array().begin(), value->get_array().end(),
                         [&](const json::value& one) { return !one.is_array() && fitsRule(rule, &one); });
    }
    if (name == "numeric") return fitsNumeric(argument.get_array(), *value);
    if (name == "anything-but") return fitsAnythingBut(argument, *value);
    return fitsText(name, argument.get_string(), *value);
  }
  if (!value) return false;
  if (!value->is_array()) return equals(rule, *value);
  return std::any_of(value->get_array().begin(), value->get_array().end(),
                     [&](const json::value& one) { return equals(rule, one); });
}

/// `record` is null where the record has no object.
bool fits(const json::object& pattern, const json::object* record) {
  for (auto& [key, inner] : pattern) {
    if (key == kOr && inner.is_array()) {
      auto& list = inner.get_array();
      if (std::none_of(list.begin(), list.end(), [&](auto& one) { return fits(one.get_object(), record); })) return false;
      continue;
    }
    const json::value* value = record ? record->if_contains(key) : nullptr;
    if (inner.is_object()) {
      if (!fits(inner.get_object(), value ? value->if_object() : nullptr)) return false;
      continue;
    }
    auto& rules = inner.get_array();
    if (std::none_of(rules.begin(), rules.end(), [&](auto& rule) { return fitsRule(rule, value); })) return false;
  }
  return true;
}

}  // namespace

ApiResult<EventFilter> EventFilter::of(const json::value& criteria) {
  EventFilter out;
  auto bad = [] { return ApiFailure(invalidParameter("Invalid filter pattern definition.")); };
  const json::object* object = criteria.if_object();
  const json::value* filters = object ? object->if_contains("Filters") : nullptr;
  if (!filters || filters->is_null()) return out;
  if (!filters->is_array() || filters->get_array().size() > kMostFilters) return bad();
  for (auto& filter : filters->get_array()) {
    if (!filter.is_object()) return bad();
    std::string text = stringOr(filter.get_object(), "Pattern", "");
    if (text.size() > kLongestPattern) return bad();
    auto pattern = parseJson(text);
    if (!pattern || !isPattern(*pattern)) return bad();
    out.patterns_.push_back(std::move(pattern->get_object()));
  }
  return out;
}

bool EventFilter::passes(const json::object& record) const {
  return patterns_.empty() || std::any_of(patterns_.begin(), patterns_.end(),
                                          [&](const json::object& pattern) { return fits(pattern, &record); });
}

}  // namespace lectern::contract
