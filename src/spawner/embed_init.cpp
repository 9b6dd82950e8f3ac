// The init program as bytes of this one, so that there is one file to install and nothing to look for.

asm(".section .rodata\n"
    ".globl lectern_init_start, lectern_init_end\n"
    ".balign 16\n"
    "lectern_init_start:\n"
    ".incbin \"" LECTERN_INIT_PATH
    "\"\n"
    "lectern_init_end:\n"
    ".text\n");
