#pragma once
#include <string>

#include "base/result.h"

namespace lectern::reader {

/// The folder with the language files: $TESSDATA_PREFIX, a bundle's own, then the system's.
Result<std::string> tessdataFolder();

/// Every language of "eng+deu" has its file in the folder; kNotFound names the package to install.
Result<void> checkLanguages(const std::string& folder, const std::string& languages);

}  // namespace lectern::reader
