/* Everything that is stable in the plugin SDK. Drafts are not in here: include those by name. */
#ifndef NEXUS_NEXUS_H
#define NEXUS_NEXUS_H

#include "nexus/nx_abi.h"
#include "nexus/nx_authenticator.h"
#include "nexus/nx_authorizer.h"
#include "nexus/nx_host.h"
#include "nexus/nx_plugin.h"
#include "nexus/nx_serializer.h"
#include "nexus/nx_transport.h"
#include "nexus/nx_value.h"
#include "nexus/nx_version.h"
#include "nexus/nx_watch.h"

#endif
