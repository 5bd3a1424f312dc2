// Secret: a text that is wiped when it goes: passwords, tickets, keys. Any thread.
#pragma once

#include <openssl/crypto.h>

#include <string>
#include <string_view>
#include <utility>

namespace nexus::auth {

// Move-only, so that there is one place to wipe. Never log one.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string_view text) : text_(text) {}
  explicit Secret(std::string&& text) : text_(std::move(text)) {}
  Secret(Secret&& other) noexcept : text_(std::move(other.text_)) { other.wipe(); }
  Secret& operator=(Secret&& other) noexcept {
    if (this != &other) {
      wipe();
      text_ = std::move(other.text_);
      other.wipe();
    }
    return *this;
  }
  ~Secret() { wipe(); }

  std::string_view view() const { return text_; }
  bool empty() const { return text_.empty(); }

 private:
  void wipe() noexcept {
    // Short texts live inside the string object and stay there when it is moved from.
    OPENSSL_cleanse(text_.data(), text_.capacity());
    text_.clear();
  }

  std::string text_;
};

}  // namespace nexus::auth
