#pragma once
// The spawner's event loop: requests of the engine, ends of sandboxes, reports of templates, memory marks.

#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "spawner/box.h"
#include "spawner/init_protocol.h"

namespace lectern::spawner {

class Server {
 public:
  /// `socket` leads to the engine. `plain`: do not try to isolate.
  /// `plain`: no isolation. `first`: sandboxes get their processor shares before other programs.
  Server(int socket, bool plain, bool first, const char* keeper) : engine_(socket), plain_(plain), groups_(first) {
    host_.keeper = keeper;
  }
  /// Runs until the engine closes its end; removes everything that was made.
  void run();

 private:
  enum class Kind { kEngine, kEnd, kControl, kPressure, kTemplate };
  struct Watch {
    Kind kind;
    Box* box;
  };

  Machine setUp();
  Machine withoutSandboxes(Machine m);
  void watch(int fd, Kind kind, Box* box, uint32_t events = 0);
  void unwatch(int fd);
  void dispatch(int fd);
  void onRequest();
  void onEnd(Box& box);
  bool onControl(Box& box);  // false when nothing was there
  void onPressure(Box& box);
  void onTemplate(Box& box);
  void watchMemory(Box& box);

  void start(Request request, Spec spec);
  void startPlainProcess(const Spec& spec);
  std::unique_ptr<Box> takeBox(Request request, int& error);
  bool launch(Box& box, Request request, const Spec& spec, int output, int& error, std::string& what);
  void adopt(std::unique_ptr<Box> box, int output_read);
  // forks.cpp
  void startFork(Spec spec, const std::string& template_id);
  std::unique_ptr<Box> beginFork(Box& parent, const Spec& spec, int& error, std::string& what);
  void orderFork(Box& box);
  void endSpareFork(Box& box);
  Box* templateInNeed();
  // boots.cpp
  void beginBoot();
  bool startBooted(Spec& spec);
  void wakeBooted(Box& box);
  void endSpareBoot(Box& box);
  bool bootWanted() const { return !boot_.command.empty() && !booted_ && boot_failures_ < 3; }
  void refuse(const std::string& id, int error, const std::string& what);
  void control(Request request, const std::string& id);
  void startIn(Reader& request);
  void signalIn(Reader& request);
  void onProcess(Box& box, const InitReply& reply);
  void finish(Box& box);
  void refill();
  void removeGroups();
  void shutDown();
  void send(const Writer& message, const std::vector<int>& fds = {});

  int engine_, epoll_ = -1;
  bool plain_, done_ = false;
  size_t wanted_ = 0;
  Host host_;
  Groups groups_;
  bool limited_ = false;  // all limits are enforced by groups
  std::unordered_map<int, Watch> watches_;
  std::unordered_map<std::string, std::unique_ptr<Box>> boxes_;
  std::vector<std::unique_ptr<Box>> spare_;
  std::unordered_map<std::string, std::vector<std::unique_ptr<Box>>> spare_forks_;  // by template
  std::unordered_map<std::string, Box*> forks_;                                    // by token
  Spec boot_;                    // an interpreter that is to wait ready
  std::unique_ptr<Box> booted_;  // and does so
  int boot_failures_ = 0;
  std::vector<GroupSet> leaving_;
};

}  // namespace lectern::spawner
