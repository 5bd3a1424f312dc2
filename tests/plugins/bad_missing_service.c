/* Cannot do without a service that this router does not have. */
#include "tiny.h"

static const nx_str services[] = {NX_STR(NX_HOST_LOG), NX_STR("acme.database/1")};
TINY_PLUGIN("missing-service", component.service_count = 2, component.services = services)
