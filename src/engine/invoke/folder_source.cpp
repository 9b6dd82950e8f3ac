#include "engine/invoke/folder_source.h"

#include <fmt/core.h>
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

std::string keyOf(const std::string& uuid, const std::string& name) { return uuid + "/" + name; }

}  // namespace

FolderSources::FolderSources(net::Loop& loop, Registry& registry, AsyncInvoker& async)
    : loop_(loop),
      registry_(registry),
      async_(async),
      notices_(
          loop,
          [this](int watch, const std::string& name) {
            for (auto& [uuid, source] : sources_) {
              if (source.watch == watch) offer(uuid, name);
            }
          },
          [this] {
            for (auto& [uuid, source] : sources_) {
              if (source.watch >= 0) scan(uuid);
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
  for (auto it = sources_.begin(); it != sources_.end();) {
    auto mapping = registry_.mappings().find(it->first);
    bool there = mapping != registry_.mappings().end();
    if (there && stringOr(mapping->second, "State", "") == "Enabled") {
      ++it;
      continue;
    }
    stop(it->second);
    if (there) {
      ++it;
      continue;
    }
    for (auto& [name, identity] : it->second.taken) registry_.erase(kTaken, keyOf(it->first, name));
    it = sources_.erase(it);
  }
  for (auto& [uuid, mapping] : registry_.mappings()) {
    auto folder = folderOfArn(stringOr(mapping, "EventSourceArn", ""));
    if (!folder || stringOr(mapping, "State", "") != "Enabled") continue;
    Source& source = sources_[uuid];
    if (source.watch >= 0) continue;
    source.directory = *folder;
    begin(uuid, source);
  }
}

void FolderSources::begin(const std::string& uuid, Source& source) {
  auto watch = notices_.add(source.directory);
  if (!watch) {
    logWarn("event source: " + watch.error().message + "; is it a folder?");
    return;
  }
  source.watch = *watch;
  scan(uuid);
}

/// Looks at every file: at the start, and when the kernel could not tell of all of them.
void FolderSources::scan(const std::string& uuid) {
  Source& source = sources_[uuid];
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator it(source.directory, error), end; !error && it != end; it.increment(error)) {
    names.push_back(it->path().filename().string());
  }
  std::sort(names.begin(), names.end());
  for (auto it = source.taken.begin(); !error && it != source.taken.end();) {
    bool here = std::binary_search(names.begin(), names.end(), it->first);
    if (!here) registry_.erase(kTaken, keyOf(uuid, it->first));
    it = here ? std::next(it) : source.taken.erase(it);
  }
  for (auto& name : names) offer(uuid, name);
}

void FolderSources::offer(const std::string& uuid, const std::string& name) {
  Source& source = sources_[uuid];
  struct stat info {};
  fs::path path = source.directory / name;
  if (name.starts_with('.') || lstat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return;
  std::string identity = fmt::format("{}.{}.{}.{}", info.st_ino, info.st_mtim.tv_sec, info.st_mtim.tv_nsec,
                                     info.st_size);
  auto taken = source.taken.find(name);
  if (taken != source.taken.end() && taken->second == identity) return;
  auto same = std::find_if(source.pending.begin(), source.pending.end(), [&](auto& f) { return f.name == name; });
  if (same == source.pending.end()) same = source.pending.insert(same, File{name, "", 0});
  same->identity = identity, same->size = info.st_size;
  auto mapping = registry_.mappings().find(uuid);
  if (mapping == registry_.mappings().end()) return;
  if (int64_t(source.pending.size()) >= std::clamp<int64_t>(intOr(mapping->second, "BatchSize", 10), 1, kMostInBatch)) {
    return flush(uuid);
  }
  if (source.timer != 0) return;
  int64_t window = std::clamp<int64_t>(intOr(mapping->second, "MaximumBatchingWindowInSeconds", 0), 0, 300);
  source.timer = loop_.after(std::max<Nanos>(Seconds(window), kSettle), [this, uuid] { flush(uuid); });
}

void FolderSources::flush(const std::string& uuid) {
  auto found = sources_.find(uuid);
  auto mapping = registry_.mappings().find(uuid);
  if (found == sources_.end() || mapping == registry_.mappings().end()) return;
  Source& source = found->second;
  loop_.cancel(std::exchange(source.timer, 0));
  if (source.pending.empty()) return;
  auto ref = contract::parseFunctionRef(registry_.options().place, stringOr(mapping->second, "FunctionArn", ""), "");
  if (!ref) return;
  json::array records;
  std::vector<Document> notes;
  for (auto& file : source.pending) {
    auto record = folderRecord(registry_, ref->name, source.directory / file.name, file.size);
    record["eventSourceARN"] = stringOr(mapping->second, "EventSourceArn", "");
    records.push_back(std::move(record));
    notes.push_back({kTaken, keyOf(uuid, file.name), file.identity});
  }
  json::object event = {{"Records", std::move(records)}};
  auto stored = async_.enqueue(*ref, toJson(event), uuid, notes);
  if (!stored) {
    logWarn("event source " + source.directory.string() + ": " + stored.error().message);
    source.timer = loop_.after(kAgain, [this, uuid] { flush(uuid); });
    return;
  }
  for (auto& file : source.pending) source.taken[file.name] = file.identity;
  source.pending.clear();
}

}  // namespace lectern::engine
