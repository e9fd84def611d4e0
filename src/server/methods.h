/* SPDX-License-Identifier: Apache-2.0 */
/* Which handler serves which path. Built while the server is set up, read alone while it runs. */
#ifndef SERVER_METHODS_H
#define SERVER_METHODS_H
#include "call/call.h"

typedef struct methods {
    map_bytes paths;              /* to call_binding */
    map_bytes services;           /* names that are served, for the text of UNIMPLEMENTED */
    call_binding *fallback;       /* whatever nobody serves; NULL: UNIMPLEMENTED */
    list entries;
} methods;

void methods_init(methods *methods, uint64_t seed);
void methods_fini(methods *methods);
/* path NULL: the fallback. Both are copied. CONFIG: served already, or no path; NOMEM. */
proa_err methods_add(methods *methods, const char *path, const call_binding *binding, proa_error *error);
const call_binding *methods_find(const methods *methods, proa_bytes path);   /* NULL: nobody */
bool methods_has_service(const methods *methods, proa_bytes path);           /* "/pkg.Service/any": is pkg.Service served? */
#endif
