#pragma once
// Messages between the spawner and a template: a function's process that waits to be forked. The SDK is the other
// side.

#include <stdint.h>

namespace lectern::spawner {

/// The descriptor at which a template finds its socket; LECTERN_TEMPLATE_FD names it.
constexpr int kTemplateFd = 5;

/// From the spawner to a template: "fork". Descriptors: the mnt, net, ipc, uts and pid namespaces of the fresh sandbox,
/// output, the socket at which the child waits, then `joins` files to write "0" to. The child moves into the sandbox at
/// once and goes on when a packet of NUL-terminated "NAME=value" texts comes over its socket.
struct ForkOrder {
  uint32_t joins;
  char token[36];  // names the child in reports
};

enum TemplateSays : uint32_t { kTemplateParked = 1, kTemplateCannot, kTemplateForked, kTemplateChildEnded };

/// From a template to the spawner. It is written by untrusted code: every field is checked.
struct TemplateReport {
  uint32_t kind;
  int32_t value;   // kTemplateChildEnded: status word; kTemplateForked: errno or 0
  char text[200];  // token of the fork, or the reason
};

}  // namespace lectern::spawner
