// A function that loads a library by dlopen, so that no file of it names what it needs.
#include <dlfcn.h>

#include <stdexcept>
#include <string>

#include "sdk/lectern.h"

int main() {
  lectern::run([](const std::string&, const lectern::Context&) {
    void* library = dlopen("libz.so.1", RTLD_NOW);
    if (library == nullptr) throw std::runtime_error(dlerror());
    using Version = const char* (*)();
    const auto version = reinterpret_cast<Version>(dlsym(library, "zlibVersion"));
    if (version == nullptr) throw std::runtime_error("libz.so.1 has no zlibVersion");
    return "\"" + std::string(version()) + "\"";
  });
}
