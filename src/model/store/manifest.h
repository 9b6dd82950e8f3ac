#pragma once
// The model store: a folder on the file system that functions share. STORE/NAME/ holds a model's files and what they must
// be: manifest.json for the model as it was added, MACHINE.json for a form made for one kind of machine.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"

namespace lectern::model {

struct StoredFile {
  std::string name;  // inside of the model's folder
  std::string sha256;
  int64_t size = 0;
};

struct Manifest {
  std::string name;
  std::string source;             // where it came from, in words or as an address
  std::vector<StoredFile> files;  // the model first, then the files its weights are in
  int64_t bytes() const;
};

/// Copies a model with the files of its weights into the store. The same bytes again change nothing; other bytes under
/// a name that exists are kExists.
Result<Manifest> addModel(const std::filesystem::path& store, const std::string& name,
                          const std::filesystem::path& file, const std::string& source);

/// Adds a form for one kind of machine; its files are moved into the model's folder under names that begin with MACHINE.
Result<Manifest> addForm(const std::filesystem::path& store, const std::string& name, const std::string& machine,
                         const std::filesystem::path& file);

/// `machine` empty: the model as it was added. kNotFound names what to run, kCorrupt for a damaged manifest.
Result<Manifest> readManifest(const std::filesystem::path& store, const std::string& name,
                              const std::string& machine = "");

/// All models of a store by name.
Result<std::vector<Manifest>> listModels(const std::filesystem::path& store);

/// Letters, digits, '.', '_', '-'; at most 100; not beginning with a dot.
bool validModelName(std::string_view name);

}  // namespace lectern::model
