/* The version of the plugin ABI, and nothing else. CMake reads this file too.
 *
 * MAJOR changes only when an old plugin binary can no longer work (docs/abi-policy.md).
 * MINOR grows with every addition at the end of a struct or every new service id.
 */
#ifndef NEXUS_NX_VERSION_H
#define NEXUS_NX_VERSION_H

#define NX_ABI_MAJOR 1
#define NX_ABI_MINOR 0

/* An author who wants to load on older routers defines NX_TARGET_MINOR before including any
 * header; the plugin then promises to use nothing newer than that minor. */
#ifndef NX_TARGET_MINOR
#define NX_TARGET_MINOR NX_ABI_MINOR
#endif

#endif
