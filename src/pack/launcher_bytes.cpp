#include "pack/launcher_bytes.h"

__asm__(".section .rodata\n.balign 16\n.globl lectern_launcher_begin, lectern_launcher_end\n"
        "lectern_launcher_begin:\n.incbin \"" LECTERN_LAUNCHER "\"\nlectern_launcher_end:\n.previous\n");
extern "C" const char lectern_launcher_begin[], lectern_launcher_end[];

namespace lectern::pack {

std::string_view launcherBytes() {
  return {lectern_launcher_begin, static_cast<size_t>(lectern_launcher_end - lectern_launcher_begin)};
}

}  // namespace lectern::pack
