#include "pack/drop_cost.h"

#include <cxxabi.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <set>
#include <string_view>
#include <vector>

#include "pack/elf.h"

namespace lectern::pack {

namespace {
constexpr size_t kShown = 3;  // names in a cell of the table

std::string fileName(const std::string& path) { return std::filesystem::path(path).filename().string(); }

bool declared(const Entry& entry) { return entry.why.starts_with("declared") || entry.why.starts_with("traced"); }

/// A program or library of the bundle.
struct Binary {
  const std::string* path = nullptr;
  const Entry* entry = nullptr;
  std::vector<size_t> needs, needed_by;
  std::vector<std::string> imported, exported;  // sorted
};

std::vector<Binary> binariesOf(const Entries& entries) {
  std::vector<Binary> out;
  std::map<std::string, size_t> by_name;
  for (const auto& [path, entry] : entries) {
    if (!isElf(entry.bytes)) continue;
    Binary binary{&path, &entry, {}, {}, {}, {}};
    if (auto symbols = readSymbols(entry.bytes)) {
      binary.imported = std::move(symbols->imported), binary.exported = std::move(symbols->exported);
      std::sort(binary.imported.begin(), binary.imported.end());
      std::sort(binary.exported.begin(), binary.exported.end());
    }
    by_name.emplace(fileName(path), out.size());
    out.push_back(std::move(binary));
  }
  for (size_t n = 0; n < out.size(); ++n) {
    const auto info = readElf(out[n].entry->bytes);
    if (!info) continue;
    for (const auto& name : info->needed) {
      const auto found = by_name.find(name);
      if (found == by_name.end() || found->second == n) continue;
      out[n].needs.push_back(found->second);
      out[found->second].needed_by.push_back(n);
    }
  }
  return out;
}

/// What is loaded when `without` is missing.
std::vector<bool> loaded(const std::vector<Binary>& all, size_t without) {
  std::vector<bool> seen(all.size());
  std::vector<size_t> open;
  for (size_t n = 0; n < all.size(); ++n) {
    if (all[n].needed_by.empty() || declared(*all[n].entry)) open.push_back(n);
  }
  while (!open.empty()) {
    const size_t n = open.back();
    open.pop_back();
    if (n == without || seen[n]) continue;
    seen[n] = true;
    open.insert(open.end(), all[n].needs.begin(), all[n].needs.end());
  }
  return seen;
}

/// A symbol as its author wrote it, without parameters.
std::string shownSymbol(const std::string& name) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> plain(abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status), free);
  const std::string text = status == 0 ? plain.get() : name;
  return text.substr(0, text.find('('));
}

/// "libtiff.so.6 (2 symbols: deflate, inflate)" for each file that cannot be loaded.
std::string dependents(const std::vector<Binary>& all, const Binary& library) {
  std::vector<std::pair<size_t, std::string>> texts;
  for (const size_t by : library.needed_by) {
    std::vector<std::string> common;
    std::set_intersection(all[by].imported.begin(), all[by].imported.end(), library.exported.begin(), library.exported.end(),
                          std::back_inserter(common));
    const std::string name = fileName(*all[by].path);
    if (common.empty()) {
      texts.emplace_back(0, name + " (lists it, uses no symbol of it)");
      continue;
    }
    const size_t count = common.size();
    common.resize(std::min(count, kShown));
    std::transform(common.begin(), common.end(), common.begin(), shownSymbol);
    texts.emplace_back(count, fmt::format("{} ({} symbol{}: {}{})", name, count, count == 1 ? "" : "s",
                                          fmt::join(common, ", "), count > kShown ? ", ..." : ""));
  }
  std::stable_sort(texts.begin(), texts.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  std::string out;
  for (size_t n = 0; n < std::min(texts.size(), kShown); ++n) out += (n == 0 ? "" : ", ") + texts[n].second;
  if (texts.size() > kShown) out += fmt::format(" and {} more", texts.size() - kShown);
  return out;
}

void addBinaries(const std::vector<Binary>& all, std::map<std::string, DropCost>& out) {
  const auto whole = loaded(all, all.size());
  for (size_t n = 0; n < all.size(); ++n) {
    DropCost& cost = out[*all[n].path];
    const auto rest = loaded(all, n);
    for (size_t other = 0; other < all.size(); ++other) {
      if (other == n || !whole[other] || rest[other]) continue;
      cost.frees += static_cast<int64_t>(all[other].entry->bytes.size());
      ++cost.others;
    }
    if (!all[n].needed_by.empty()) {
      cost.breaks = dependents(all, all[n]);
    } else if (declared(*all[n].entry)) {
      cost.breaks = "what loads it by dlopen";
    } else if (all[n].path->starts_with("bin/") || *all[n].path == "bootstrap" || *all[n].path == "lib/ld.so") {
      cost.breaks = "the function";
    }
  }
}

/// The words of a script that can be names of modules.
std::set<std::string, std::less<>> wordsOf(std::string_view text) {
  std::set<std::string, std::less<>> out;
  const auto letter = [](char c) { return c == '_' || (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z'); };
  for (size_t at = 0; at < text.size();) {
    size_t end = at;
    while (end < text.size() && letter(text[end])) ++end;
    if (end > at) out.emplace(text.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

/// What scripts call a module or data file: "app" for app.py and app.cpython-311-x86_64-linux-gnu.so, "pkg" for pkg/__init__.py.
std::string moduleName(const std::string& path) {
  std::string name = fileName(path);
  if (name == "__init__.py") name = fileName(std::filesystem::path(path).parent_path().string());
  return name.substr(0, name.find('.'));
}

bool script(const std::string& path) { return path.ends_with(".py") || path.ends_with(".js") || path.ends_with(".mjs"); }

void addScripts(const Entries& entries, std::map<std::string, DropCost>& out) {
  std::map<std::string, std::vector<const std::string*>, std::less<>> named_in;  // word -> scripts
  for (const auto& [path, entry] : entries) {
    if (!script(path)) continue;
    for (const auto& word : wordsOf(entry.bytes)) named_in[word].push_back(&path);
  }
  if (named_in.empty()) return;
  for (const auto& [path, entry] : entries) {
    DropCost& cost = out[path];
    if (!cost.breaks.empty()) continue;
    const auto found = named_in.find(moduleName(path));
    std::vector<const std::string*> by = found == named_in.end() ? std::vector<const std::string*>() : found->second;
    std::erase_if(by, [&path = path](const std::string* other) { return *other == path; });
    cost.breaks = by.empty()       ? "no script names it"
                  : by.size() == 1 ? *by[0] + " names it"
                                   : fmt::format("{} and {} other script{} name it", *by[0], by.size() - 1,
                                                 by.size() == 2 ? "" : "s");
  }
}
}  // namespace

std::map<std::string, DropCost> dropCosts(const Entries& entries) {
  std::map<std::string, DropCost> out;
  addBinaries(binariesOf(entries), out);
  addScripts(entries, out);
  for (const auto& [path, entry] : entries) {
    DropCost& cost = out[path];
    cost.frees += static_cast<int64_t>(entry.bytes.size());
    if (path == "bootstrap") cost.breaks = "the function";
    if (cost.breaks.empty()) cost.breaks = "what opens it";
  }
  return out;
}

}  // namespace lectern::pack
