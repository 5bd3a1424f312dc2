// The service tables of nx_host.h that this layer provides; each lives in its own service_*.cpp.
//
// Static, complete (no null slots) and the same for every router of the process: what differs is
// found through the nx_host that comes with each call.
#pragma once

#include "nexus/nexus.h"

namespace nexus {

const nx_host_log_v1* log_service();
const nx_host_values_v1* values_service();
const nx_host_config_v1* config_service();
const nx_host_buffers_v1* buffers_service();
const nx_host_loop_v1* loop_service();
const nx_host_streams_v1* streams_service();
const nx_host_metrics_v1* metrics_service();
const nx_host_work_v1* work_service();

}  // namespace nexus
