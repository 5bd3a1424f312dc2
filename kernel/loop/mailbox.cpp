// Mailbox: see the header. The letters of a batch are in order because the stack is turned round
// after it was taken.
#include "kernel/loop/mailbox.hpp"

#include <utility>

namespace nexus {

Mailbox::~Mailbox() {
  Mail* mail = in_order(head_.exchange(kClosed, std::memory_order_acquire));
  while (mail != nullptr) {
    std::unique_ptr<Mail> owned(mail);
    mail = std::exchange(mail->next_, nullptr);
  }
}

Mailbox::Posted Mailbox::push(std::unique_ptr<Mail> mail) {
  uintptr_t head = head_.load(std::memory_order_relaxed);
  do {
    if (head == kClosed) return Posted::closed;
    mail->next_ = head <= kAsleep ? nullptr : reinterpret_cast<Mail*>(head);
  } while (!head_.compare_exchange_weak(head, reinterpret_cast<uintptr_t>(mail.get()),
                                        std::memory_order_release, std::memory_order_relaxed));
  mail.release();  // the owner may have run and destroyed it by now
  return head == kAsleep ? Posted::wake : Posted::queued;
}

bool Mailbox::try_sleep() {
  uintptr_t expected = kEmpty;
  return head_.compare_exchange_strong(expected, kAsleep, std::memory_order_relaxed);
}

void Mailbox::awake() {
  uintptr_t expected = kAsleep;
  head_.compare_exchange_strong(expected, kEmpty, std::memory_order_relaxed);
}

size_t Mailbox::drain(Loop& loop) {
  if (empty()) return 0;
  return run_all(in_order(head_.exchange(kEmpty, std::memory_order_acquire)), loop);
}

size_t Mailbox::close(Loop& loop) {
  return run_all(in_order(head_.exchange(kClosed, std::memory_order_acquire)), loop);
}

Mail* Mailbox::in_order(uintptr_t head) {
  if (head <= kClosed) return nullptr;
  Mail* first = nullptr;
  for (auto* mail = reinterpret_cast<Mail*>(head); mail != nullptr;) {
    Mail* const older = mail->next_;
    mail->next_ = first;
    first = mail;
    mail = older;
  }
  return first;
}

size_t Mailbox::run_all(Mail* first, Loop& loop) {
  size_t count = 0;
  while (first != nullptr) {
    std::unique_ptr<Mail> mail(first);
    first = std::exchange(mail->next_, nullptr);
    mail->run(loop);
    ++count;
  }
  return count;
}

}  // namespace nexus
