// The smallest function: answers with its event.
#include "sdk/lectern.h"

int main() {
  lectern::run([](std::string event, const lectern::Context&) { return event; });
}
