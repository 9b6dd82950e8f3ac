// A function with a large model, for `lectern bench cold-start`: loads MODEL at init (STYLE shared: over 2 MB pages, which
// are the keeper's where there is one; else the way ONNX Runtime does it by default), and runs it once for each event.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "base/clock.h"
#include "model/session.h"
#include "sdk/lectern.h"

using lectern::model::Session;

int main() {
  const char *model = getenv("MODEL"), *style = getenv("STYLE"), *size = getenv("SIZE");
  if (!model || !style || !size) lectern::failInit("Bench.Environment", "MODEL, STYLE and SIZE must be set");
  auto loaded = std::string(style) == "shared" ? Session::loadShared(model) : Session::load(model, {});
  if (!loaded) lectern::failInit("Bench.Model", loaded.error().message);
  const Session& session = **loaded;
  std::vector<float> input(static_cast<size_t>(atoi(size)), 0.5f);
  const std::vector<int64_t> shape = {1, static_cast<int64_t>(input.size())};
  // Warm before the snapshot, as an author would do.
  if (auto warm = session.run(input, shape); !warm) lectern::failInit("Bench.Model", warm.error().message);
  const lectern::RealClock clock;
  lectern::run([&](std::string, const lectern::Context&) {
    const lectern::SteadyTime start = clock.now();
    auto output = session.run(input, shape);
    if (!output) throw lectern::FunctionError("Bench.Run", output.error().message);
    double ms = static_cast<double>((clock.now() - start).count()) / 1e6;
    char text[80];
    snprintf(text, sizeof text, "{\"ms\":%.3f,\"y\":%.5f}", ms, static_cast<double>(output->data[0]));
    return std::string(text);
  });
}
