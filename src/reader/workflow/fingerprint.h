#pragma once
// Which stored template does a document look like? A document's fingerprint is where text stands on its first page,
// where ruled lines stand, and which words without digits there are.

#include <string>
#include <vector>

#include "base/result.h"
#include "reader/page/page.h"

namespace lectern::reader {

using Fingerprint = std::vector<float>;

Fingerprint fingerprintOf(const Document& document);
/// 0..1: cosines of the three parts, weighed.
double alike(const Fingerprint& a, const Fingerprint& b);
/// The mean of a template's samples with one more.
Fingerprint withSample(const Fingerprint& mean, int samples, const Fingerprint& one);

std::string toBytes(const Fingerprint& print);
/// kCorrupt when the size is not a fingerprint's.
Result<Fingerprint> fingerprintFromBytes(const std::string& bytes);

struct KnownTemplate {
  std::string name;
  Fingerprint print;
  int samples = 1;
};
struct Identity {
  int index = -1;  // of the template; -1: none of them
  double score = 0;
};
/// The template that the document is most like, when it is like enough and clearly more than any other.
Identity identify(const Fingerprint& print, const std::vector<KnownTemplate>& known);

}  // namespace lectern::reader
