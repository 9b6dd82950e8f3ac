#pragma once
// Helpers of the targets: seeds from the repository's files, and a file that holds an input.

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "base/files.h"

/// A file below the repository's root, or "" when it is not there.
inline std::string repositoryFile(const std::string& name) {
  std::ifstream in(std::string(LECTERN_ROOT) + "/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// Puts the input into a file of its own, the same one each time.
inline std::filesystem::path inputFile(std::string_view bytes, const std::string& name) {
  static auto folder = *lectern::TempDir::create("lectern-fuzz-");
  std::filesystem::path path = folder.path() / name;
  std::ofstream(path, std::ios::binary | std::ios::trunc).write(bytes.data(), std::streamsize(bytes.size()));
  return path;
}
