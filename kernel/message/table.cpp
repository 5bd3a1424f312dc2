#include "kernel/message/table.hpp"

#include <array>

namespace nexus {
namespace {

using F = Field;

constexpr Layout kLayouts[] = {
    {Code::hello, "HELLO", 2, true, {F::realm, F::dict}, {"Realm", "Details"}},
    {Code::welcome, "WELCOME", 2, false, {F::request, F::dict}, {"Session", "Details"}},
    {Code::abort,
     "ABORT",
     2,
     true,
     {F::dict, F::uri, F::args, F::kwargs},
     {"Details", "Reason", "Arguments", "ArgumentsKw"}},
    {Code::challenge, "CHALLENGE", 2, false, {F::uri, F::dict}, {"AuthMethod", "Extra"}},
    {Code::authenticate, "AUTHENTICATE", 2, true, {F::uri, F::dict}, {"Signature", "Extra"}},
    {Code::goodbye, "GOODBYE", 2, true, {F::dict, F::uri}, {"Details", "Reason"}},
    {Code::error,
     "ERROR",
     4,
     true,
     {F::type, F::request, F::dict, F::uri, F::args, F::kwargs},
     {"REQUEST.Type", "REQUEST.Request", "Details", "Error", "Arguments", "ArgumentsKw"}},
    {Code::publish,
     "PUBLISH",
     3,
     true,
     {F::request, F::dict, F::uri, F::args, F::kwargs},
     {"Request", "Options", "Topic", "Arguments", "ArgumentsKw"}},
    {Code::published,
     "PUBLISHED",
     2,
     false,
     {F::request, F::second},
     {"PUBLISH.Request", "Publication"}},
    {Code::subscribe,
     "SUBSCRIBE",
     3,
     true,
     {F::request, F::dict, F::uri},
     {"Request", "Options", "Topic"}},
    {Code::subscribed,
     "SUBSCRIBED",
     2,
     false,
     {F::request, F::second},
     {"SUBSCRIBE.Request", "Subscription"}},
    // M-12, M-20: Crossbar's clients may add Options to UNSUBSCRIBE and UNREGISTER.
    {Code::unsubscribe,
     "UNSUBSCRIBE",
     2,
     true,
     {F::request, F::second, F::dict},
     {"Request", "SUBSCRIBED.Subscription", "Options"}},
    {Code::unsubscribed,
     "UNSUBSCRIBED",
     1,
     false,
     {F::request_or_zero, F::dict},
     {"UNSUBSCRIBE.Request", "Details"}},
    {Code::event,
     "EVENT",
     3,
     false,
     {F::request, F::second, F::dict, F::args, F::kwargs},
     {"SUBSCRIBED.Subscription", "PUBLISHED.Publication", "Details", "Arguments", "ArgumentsKw"}},
    {Code::call,
     "CALL",
     3,
     true,
     {F::request, F::dict, F::uri, F::args, F::kwargs},
     {"Request", "Options", "Procedure", "Arguments", "ArgumentsKw"}},
    {Code::cancel, "CANCEL", 2, true, {F::request, F::dict}, {"CALL.Request", "Options"}},
    {Code::result,
     "RESULT",
     2,
     false,
     {F::request, F::dict, F::args, F::kwargs},
     {"CALL.Request", "Details", "Arguments", "ArgumentsKw"}},
    {Code::register_,
     "REGISTER",
     3,
     true,
     {F::request, F::dict, F::uri},
     {"Request", "Options", "Procedure"}},
    {Code::registered,
     "REGISTERED",
     2,
     false,
     {F::request, F::second},
     {"REGISTER.Request", "Registration"}},
    {Code::unregister,
     "UNREGISTER",
     2,
     true,
     {F::request, F::second, F::dict},
     {"Request", "REGISTERED.Registration", "Options"}},
    {Code::unregistered,
     "UNREGISTERED",
     1,
     false,
     {F::request_or_zero, F::dict},
     {"UNREGISTER.Request", "Details"}},
    {Code::invocation,
     "INVOCATION",
     3,
     false,
     {F::request, F::second, F::dict, F::args, F::kwargs},
     {"Request", "REGISTERED.Registration", "Details", "Arguments", "ArgumentsKw"}},
    {Code::interrupt,
     "INTERRUPT",
     2,
     false,
     {F::request, F::dict},
     {"INVOCATION.Request", "Options"}},
    {Code::yield,
     "YIELD",
     2,
     true,
     {F::request, F::dict, F::args, F::kwargs},
     {"INVOCATION.Request", "Options", "Arguments", "ArgumentsKw"}},
    {Code::event_received,
     "EVENT_RECEIVED",
     1,
     true,
     {F::request, F::dict},
     {"EVENT.Publication", "Details"}},
};

// Codes below 128 index straight into this; the few above are looked for.
constexpr auto kIndex = [] {
  std::array<uint8_t, 128> index{};
  for (uint8_t i = 0; i < std::size(kLayouts); ++i) {
    const auto code = static_cast<uint16_t>(kLayouts[i].code);
    if (code < index.size()) index[code] = i + 1;
  }
  return index;
}();

}  // namespace

const Layout* find_layout(uint64_t code) {
  if (code < kIndex.size()) {
    const uint8_t at = kIndex[code];
    return at == 0 ? nullptr : &kLayouts[at - 1];
  }
  for (const Layout& layout : kLayouts) {
    if (static_cast<uint64_t>(layout.code) == code) return &layout;
  }
  return nullptr;
}

}  // namespace nexus
