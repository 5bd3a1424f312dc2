// The C tables of a transport over stream sockets, filled with thunks into its own classes. No
// exception leaves a thunk: memory that runs out ends the one connection that asked for it.
//
// `ListenerT` derives from StreamListener and has configure(section, error), listen(error) and
// recognize(data, size), which does not throw.
// `ConnectionT` derives from StreamConnection and has make(listener, stream, info, over_limit),
// which throws only while no connection exists yet, received(data, size), on_stream_deadline(),
// send(message), close(how, reason) and, if it ever calls at_flush(), on_flushing().
#pragma once

#include <new>
#include <string_view>

#include "nexus/nx_plugin.h"
#include "nexus/nx_transport.h"
#include "plugins/support/services.hpp"

namespace nexus::support {

// Runs fn, which returns a status; whatever it throws becomes an error.
template <typename Fn>
nx_status guarded(nx_error* error, Fn fn) noexcept {
  try {
    return fn();
  } catch (const std::bad_alloc&) {
    return fail(error, NX_E_MEMORY, "out of memory");
  } catch (...) {
    return fail(error, NX_E_INTERNAL, "unexpected exception");
  }
}

// nx_component's functions and the listener's half of nx_transport_v1. [main]
template <typename ListenerT>
struct ListenerThunks {
  static ListenerT& self(void* instance) { return *static_cast<ListenerT*>(instance); }

  static nx_status create(nx_host* host, void** out, nx_error* error) {
    return guarded(error, [&] {
      Services services;
      if (!services.fetch(host)) {
        return fail(error, NX_E_UNSUPPORTED, "this router lacks a service that is needed");
      }
      *out = new ListenerT(services);
      return NX_OK;
    });
  }
  static nx_status configure(void* instance, const nx_value* section, nx_error* error) {
    return guarded(error, [&] { return self(instance).configure(section, error); });
  }
  static nx_status start(void*, nx_error*) { return NX_OK; }  // listen() is what begins
  static void stop(void* instance) { self(instance).close_listener(); }
  static void destroy(void* instance) { self(instance).release(); }
  static nx_status listen(void* instance, nx_error* error) {
    return guarded(error, [&] { return self(instance).listen(error); });
  }
  static nx_status reload(void* instance, nx_error* error) {
    return guarded(error, [&] { return self(instance).reload(error); });
  }
  static nx_status url(void* instance, uint32_t index, nx_str* out) {
    return self(instance).url(index, out);
  }
};

// nx_stream_handler, and the connection's half of nx_transport_v1. [loop]
template <typename ListenerT, typename ConnectionT>
struct ConnectionThunks {
  static ConnectionT& self(void* connection) { return *static_cast<ConnectionT*>(connection); }

  static void* accepted(void* user, nx_stream* stream, const nx_stream_info* info) {
    auto& listener = *static_cast<ListenerT*>(user);
    bool over_limit = false;
    if (!listener.admit(&over_limit)) return nullptr;
    try {
      ConnectionT* connection = ConnectionT::make(listener, stream, *info, over_limit);
      connection->arm_handshake();
      return connection;
    } catch (...) {
      listener.release();  // a connection, had there been one, would have done it
      return nullptr;
    }
  }
  static uint64_t received(void* connection, uint8_t* data, uint64_t size) {
    try {
      return self(connection).received(data, size);
    } catch (...) {
      self(connection).end(NX_CLOSE_NOW, NX_CLOSED_LOST, "out of memory");
      return self(connection).end_received(size);
    }
  }
  static void drained(void* connection) { self(connection).on_drained(); }
  static void deadline(void* connection) {
    try {
      self(connection).on_stream_deadline();
    } catch (...) {
      self(connection).end(NX_CLOSE_NOW, NX_CLOSED_TIMEOUT, "out of memory at a deadline");
    }
  }
  static void closed(void* connection, uint32_t reason, nx_str text) {
    self(connection).on_closed(reason, text);
    delete &self(connection);
  }

  static void flushing(void* connection) {
    if constexpr (requires(ConnectionT & c) { c.on_flushing(); }) self(connection).on_flushing();
  }
  static uint32_t recognize(void* user, const uint8_t* data, uint64_t size) {
    return static_cast<const ListenerT*>(user)->recognize(data, size);
  }

  static int64_t send(void* connection, const nx_message* message) {
    return self(connection).send(*message);
  }
  static uint64_t queued(void* connection) { return self(connection).queued(); }
  static void set_reading(void* connection, uint32_t on) { self(connection).set_reading(on != 0); }
  static void close(void* connection, uint32_t how, nx_str reason) {
    self(connection).close(how, to_view(reason));
  }

  static constexpr nx_stream_handler kHandler = {
      sizeof(nx_stream_handler),
      0,
      accepted,
      received,
      drained,
      deadline,
      closed,
      flushing,
      recognize,
  };
  static constexpr nx_transport_v1 kTransport = {
      sizeof(nx_transport_v1),
      0,
      ListenerThunks<ListenerT>::listen,
      ListenerThunks<ListenerT>::url,
      ListenerThunks<ListenerT>::stop,
      send,
      queued,
      set_reading,
      close,
  };

  static constexpr nx_reload_v1 kReload = {
      sizeof(nx_reload_v1),
      0,
      ListenerThunks<ListenerT>::reload,
  };

  static const void* interface(void*, const char* id) {
    if (std::string_view(id) == NX_RELOAD_V1) return &kReload;
    return std::string_view(id) == NX_TRANSPORT_V1 ? &kTransport : nullptr;
  }
};

// The component itself.
template <typename ListenerT, typename ConnectionT>
constexpr nx_component transport_component(nx_str name, nx_str help, const nx_option* options,
                                           size_t option_count) {
  using Thunks = ListenerThunks<ListenerT>;
  return {
      sizeof(nx_component),
      NX_KIND_TRANSPORT,
      name,
      help,
      options,
      static_cast<uint32_t>(option_count),
      static_cast<uint32_t>(std::size(kStreamTransportServices)),
      kStreamTransportServices,
      Thunks::create,
      Thunks::configure,
      Thunks::start,
      Thunks::stop,
      Thunks::destroy,
      ConnectionThunks<ListenerT, ConnectionT>::interface,
  };
}

}  // namespace nexus::support
