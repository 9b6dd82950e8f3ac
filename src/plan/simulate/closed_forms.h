#pragma once
// What queueing theory says about systems without memory: yardsticks for the simulator.

namespace lectern::plan {

/// Share of arrivals lost by c servers without queue under an offered load of `erlangs` (M/M/c/c, Erlang B).
inline double erlangB(int servers, double erlangs) {
  double blocking = 1;
  for (int n = 1; n <= servers; ++n) blocking = erlangs * blocking / (n + erlangs * blocking);
  return blocking;
}

/// Share of arrivals that wait for one of c servers (M/M/c, Erlang C); `erlangs` below c.
inline double erlangC(int servers, double erlangs) {
  const double b = erlangB(servers, erlangs);
  return servers * b / (servers - erlangs * (1 - b));
}

}  // namespace lectern::plan
