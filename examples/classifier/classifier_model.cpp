// classifier_model FILE writes the tiny classifier, so that the example can be tried without any other model.
#include <cstdio>

#include "base/files.h"
#include "tiny_model.h"

int main(int argc, char** argv) {
  if (argc != 2) return fprintf(stderr, "usage: classifier_model FILE.onnx\n"), 2;
  auto written = lectern::writeFileAtomic(argv[1], lectern::examples::tinyClassifier());
  if (!written) return fprintf(stderr, "classifier_model: %s\n", written.error().message.c_str()), 1;
  return 0;
}
