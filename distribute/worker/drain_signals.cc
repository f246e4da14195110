#include "distribute/worker/drain_signals.h"

#include <signal.h>

namespace stator::distribute {
namespace {

sigset_t Signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGUSR1);
  return signals;
}

}  // namespace

void DrainSignals::Block() {
  const sigset_t signals = Signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

DrainSignals::DrainSignals(Member* member) {
  thread_ = std::thread([this, member] {
    const sigset_t signals = Signals();
    int signal = 0;
    while (sigwait(&signals, &signal) == 0 && !stop_) member->RequestDrain();
  });
}

DrainSignals::~DrainSignals() {
  stop_ = true;
  pthread_kill(thread_.native_handle(), SIGUSR1);
  thread_.join();
}

}  // namespace stator::distribute
