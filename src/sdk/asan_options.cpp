// Of functions that are built with the address sanitizer: they end as others do. Its search for leaks at the end needs
// ptrace, which a sandbox refuses, and its handler would turn a crash into an exit.
extern "C" const char* __asan_default_options();
extern "C" const char* __asan_default_options() { return "detect_leaks=0:handle_segv=0"; }
