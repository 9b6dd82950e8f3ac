#include "engine/invoke/folder_source.h"

#include <fmt/core.h>
#include <fnmatch.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/log.h"
#include "engine/control/folder_arn.h"
#include "engine/invoke/folder_event.h"

namespace lectern::engine {

namespace fs = std::filesystem;

namespace {

constexpr const char* kTaken = "taken";        // the kind of the documents that note files
constexpr int64_t kMostInBatch = 10'000;       // as Lambda's
constexpr Nanos kSettle = Millis(5);           // files that appear together come in one batch
constexpr Nanos kAgain = Seconds(1);           // after an event could not be stored

/// Changes whenever a file is written or replaced.
std::string identityOf(const struct stat& info) {
  return fmt::format("{}.{}.{}.{}", info.st_ino, info.st_mtim.tv_sec, info.st_mtim.tv_nsec, info.st_size);
}

bool isCandidate(const fs::path& path, struct stat& info) {
  return !path.filename().native().starts_with('.') && lstat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode);
}

bool fits(const std::vector<std::string>& patterns, const std::string& name) {
  return patterns.empty() || std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) {
    return fnmatch(pattern.c_str(), name.c_str(), 0) == 0;
  });
}

std::string keyOf(const std::string& uuid, const std::string& name) { return uuid + "/" + name; }

}  // namespace

FolderSources::FolderSources(net::Loop& loop, Registry& registry, AsyncInvoker& async)
    : loop_(loop),
      registry_(registry),
      async_(async),
      notices_(
          loop,
          [this](int watch, const std::string& name) {
            for (auto& [key, source] : sources_) {
              if (source.watch == watch) offer(key, name);
            }
          },
          [this] {
            for (auto& [key, source] : sources_) {
              if (source.watch >= 0) scan(key);
            }
          }) {
  for (auto& document : registry_.takeTaken()) {
    size_t slash = document.key.find('/');
    if (slash == std::string::npos) continue;
    sources_[document.key.substr(0, slash)].taken[document.key.substr(slash + 1)] = document.text;
  }
}

FolderSources::~FolderSources() {
  for (auto& [uuid, source] : sources_) loop_.cancel(source.timer);
}

void FolderSources::stop(Source& source) {
  loop_.cancel(std::exchange(source.timer, 0));
  int watch = std::exchange(source.watch, -1);
  source.pending.clear();
  // Another mapping may watch the same folder.
  bool shared = std::any_of(sources_.begin(), sources_.end(), [&](auto& other) { return other.second.watch == watch; });
  if (watch >= 0 && !shared) notices_.remove(watch);
}

void FolderSources::sync() {
  auto& mappings = registry_.mappings();
  for (auto it = sources_.begin(); it != sources_.end();) {
    auto mapping = mappings.find(it->first);
    bool there = mapping != mappings.end();
    if (it->second.watch >= 0 && !it->second.mapped) {
      ++it;
      continue;
    }
    if (!there || stringOr(mapping->second, "State", "") != "Enabled") stop(it->second);
    if (there) {
      ++it;
      continue;
    }
    for (auto& [name, identity] : it->second.taken) registry_.erase(kTaken, keyOf(it->first, name));
    it = sources_.erase(it);
  }
  for (auto& [uuid, mapping] : mappings) {
    auto folder = folderOfArn(stringOr(mapping, "EventSourceArn", ""));
    if (!folder || stringOr(mapping, "State", "") != "Enabled") continue;
    Source& source = sources_[uuid];
    source.directory = *folder;
    configure(source, mapping);
    if (source.watch >= 0) continue;
    auto watch = notices_.add(source.directory);
    if (!watch) {
      logWarn("event source: " + watch.error().message + "; is it a folder?");
      continue;
    }
    source.watch = *watch;
    scan(uuid);
  }
}

void FolderSources::configure(Source& source, const json::object& mapping) {
  source.mapped = true;
  source.arn = stringOr(mapping, "EventSourceArn", "");
  auto function = contract::parseFunctionRef(registry_.options().place, stringOr(mapping, "FunctionArn", ""), "");
  if (function) source.function = std::move(*function);
  auto* criteria = mapping.if_contains("FilterCriteria");
  auto filter = contract::EventFilter::of(criteria ? *criteria : json::value());
  if (filter) source.filter = std::move(*filter);
  source.batch = size_t(std::clamp<int64_t>(intOr(mapping, "BatchSize", 10), 1, kMostInBatch));
  source.window = Seconds(std::clamp<int64_t>(intOr(mapping, "MaximumBatchingWindowInSeconds", 0), 0, 300));
}

Result<void> FolderSources::add(WatchedFolder folder) {
  std::string key = fmt::format("watch {} {}", folder.function, folder.directory.string());
  Source& source = sources_[key];
  source.function = {folder.function, ""};
  source.directory = std::move(folder.directory);
  source.arn = "file://" + source.directory.string();
  source.patterns = std::move(folder.patterns);
  if (source.watch >= 0) return {};
  auto watch = notices_.add(source.directory);
  if (!watch) {
    sources_.erase(key);
    return Failure(watch.error());
  }
  source.watch = *watch;
  for (auto& name : namesIn(source)) {
    struct stat info {};
    if (isCandidate(source.directory / name, info)) source.taken[name] = identityOf(info);
  }
  return {};
}

std::vector<std::string> FolderSources::namesIn(const Source& source) const {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator it(source.directory, error), end; !error && it != end; it.increment(error)) {
    names.push_back(it->path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

/// Looks at every file: at the start, and when the kernel could not tell of all of them.
void FolderSources::scan(const std::string& key) {
  Source& source = sources_[key];
  auto names = namesIn(source);
  for (auto it = source.taken.begin(); !names.empty() && it != source.taken.end();) {
    bool here = std::binary_search(names.begin(), names.end(), it->first);
    if (!here && source.mapped) registry_.erase(kTaken, keyOf(key, it->first));
    it = here ? std::next(it) : source.taken.erase(it);
  }
  for (auto& name : names) offer(key, name);
}

void FolderSources::offer(const std::string& key, const std::string& name) {
  Source& source = sources_[key];
  struct stat info {};
  if (!isCandidate(source.directory / name, info) || !fits(source.patterns, name)) return;
  std::string identity = identityOf(info);
  auto taken = source.taken.find(name);
  if (taken != source.taken.end() && taken->second == identity) return;
  auto same = std::find_if(source.pending.begin(), source.pending.end(), [&](auto& f) { return f.name == name; });
  if (same == source.pending.end()) same = source.pending.insert(same, File{name, "", 0});
  same->identity = identity, same->size = info.st_size;
  if (source.pending.size() >= source.batch) return flush(key);
  if (source.timer != 0) return;
  source.timer = loop_.after(std::max(source.window, kSettle), [this, key] { flush(key); });
}

void FolderSources::flush(const std::string& key) {
  auto found = sources_.find(key);
  if (found == sources_.end()) return;
  Source& source = found->second;
  loop_.cancel(std::exchange(source.timer, 0));
  if (source.pending.empty()) return;
  json::array records;
  std::vector<Document> notes;
  for (auto& file : source.pending) {
    auto record = folderRecord(registry_, source.function.name, source.directory / file.name, file.size);
    record["eventSourceARN"] = source.arn;
    if (source.filter.passes(record)) records.push_back(std::move(record));
    if (source.mapped) notes.push_back({kTaken, keyOf(key, file.name), file.identity});
  }
  contract::ApiResult<void> stored;
  if (!records.empty()) {
    json::object event = {{"Records", std::move(records)}};
    stored = async_.enqueue(source.function, toJson(event), source.mapped ? key : "", notes);
  } else if (source.mapped) {
    stored = registry_.put(notes);
  }
  if (!stored) {
    logWarn("event source " + source.directory.string() + ": " + stored.error().message);
    source.timer = loop_.after(kAgain, [this, key] { flush(key); });
    return;
  }
  for (auto& file : source.pending) source.taken[file.name] = file.identity;
  source.pending.clear();
}

}  // namespace lectern::engine
