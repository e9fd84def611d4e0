/* SPDX-License-Identifier: Apache-2.0 */
#include "server/methods.h"

typedef struct entry {
    list_node node;
    call_binding binding;
    char *path;
} entry;

void methods_init(methods *m, uint64_t seed)
{
    map_bytes_init(&m->paths, seed);
    map_bytes_init(&m->services, seed);
    m->fallback = NULL;
    list_init(&m->entries);
}

void methods_fini(methods *m)
{
    map_bytes_fini(&m->paths);
    map_bytes_fini(&m->services);
    for (list_node *n; (n = list_pop(&m->entries));) {
        entry *e = CONTAINER_OF(n, entry, node);
        memory_free(e->path);
        memory_free(e);
    }
}

/* "/pkg.Service/Method": the part between the slashes; absent: there are not two. */
static proa_bytes service_of(proa_bytes path)
{
    proa_bytes none = { NULL, 0 };
    if (path.size < 3 || path.data[0] != '/')
        return none;
    size_t last = path.size;
    while (path.data[--last] != '/')
        ;
    return last > 1 && last + 1 < path.size ? (proa_bytes){ path.data + 1, last - 1 } : none;
}

static proa_err put(methods *m, entry *e)
{
    proa_bytes path = proa_bytes_of(e->path);
    if (map_bytes_put(&m->services, service_of(path), e) != PROA_ERR_NONE ||
        map_bytes_put(&m->paths, path, &e->binding) != PROA_ERR_NONE)
        return PROA_ERR_NOMEM;
    return PROA_ERR_NONE;
}

static proa_err refuse(const methods *m, const char *path, proa_error *error)
{
    if (!path)
        return m->fallback ? error_set(error, PROA_ERR_CONFIG, "what nobody serves is served already") : PROA_ERR_NONE;
    if (!service_of(proa_bytes_of(path)).data)
        return error_set(error, PROA_ERR_CONFIG, "%s: a path is /service/method", path);
    if (map_bytes_get(&m->paths, proa_bytes_of(path)))
        return error_set(error, PROA_ERR_CONFIG, "%s is served already", path);
    return PROA_ERR_NONE;
}

proa_err methods_add(methods *m, const char *path, const call_binding *binding, proa_error *error)
{
    proa_err err = refuse(m, path, error);
    if (err != PROA_ERR_NONE)
        return err;
    entry *e = memory_new(sizeof *e);
    size_t size = path ? strlen(path) + 1 : 1;
    if (!e || !(e->path = memory_new(size))) {
        memory_free(e);
        return error_set(error, PROA_ERR_NOMEM, "out of memory");
    }
    bytes_copy(e->path, path, size - 1);
    e->binding = *binding;
    list_push(&m->entries, &e->node);
    if (!path) {
        m->fallback = &e->binding;
        return PROA_ERR_NONE;
    }
    return put(m, e) == PROA_ERR_NONE ? PROA_ERR_NONE : error_set(error, PROA_ERR_NOMEM, "out of memory");
}

const call_binding *methods_find(const methods *m, proa_bytes path)
{
    const call_binding *binding = map_bytes_get(&m->paths, path);
    return binding ? binding : m->fallback;
}

bool methods_has_service(const methods *m, proa_bytes path)
{
    proa_bytes service = service_of(path);
    return service.data && map_bytes_get(&m->services, service);
}
