/* SPDX-License-Identifier: Apache-2.0 */
/* Asks a container runtime (containerd, CRI-O) over its Unix socket, through the Container Runtime Interface of Kubernetes:
 * what the kubelet of each node speaks. One subcommand a call. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "api.proa.h"

typedef struct client {
    proa_channel *channel;
    proa_arena *arena; /* replies */
    proa_call_options options;
} client;

static int check(const char *what, proa_status status)
{
    if (status.code != PROA_OK)
        fprintf(stderr, "%s: %s: %.*s\n", what, proa_code_name(status.code), PROA_FMT(status.message));
    return status.code != PROA_OK;
}

static int run_version(const client *c)
{
    runtime_v1_VersionRequest request = { 0 };
    runtime_v1_VersionResponse reply;
    if (check("version", runtime_v1_RuntimeService_Version(c->channel, &request, &reply, c->arena, &c->options)))
        return 1;
    printf("%.*s %.*s, CRI %.*s\n", PROA_FMT(reply.runtime_name), PROA_FMT(reply.runtime_version),
           PROA_FMT(reply.runtime_api_version));
    return 0;
}

static int run_status(const client *c)
{
    runtime_v1_StatusRequest request = { .verbose = true };
    runtime_v1_StatusResponse reply;
    if (check("status", runtime_v1_RuntimeService_Status(c->channel, &request, &reply, c->arena, &c->options)))
        return 1;
    for (size_t i = 0; reply.status && i < reply.status->conditions.count; i++) {
        const runtime_v1_RuntimeCondition *condition = &reply.status->conditions.data[i];
        printf("%.*s: %s%s%.*s\n", PROA_FMT(condition->type), condition->status ? "yes" : "no",
               condition->message.size ? ", " : "", PROA_FMT(condition->message));
    }
    for (size_t i = 0; i < reply.info.count; i++)
        printf("info %.*s: %zu bytes of JSON\n", PROA_FMT(reply.info.data[i].key), reply.info.data[i].value.size);
    return 0;
}

static int run_images(const client *c)
{
    runtime_v1_ListImagesRequest request = { 0 };
    runtime_v1_ListImagesResponse reply;
    if (check("images", runtime_v1_ImageService_ListImages(c->channel, &request, &reply, c->arena, &c->options)))
        return 1;
    for (size_t i = 0; i < reply.images.count; i++) {
        const runtime_v1_Image *image = &reply.images.data[i];
        printf("%.*s %llu bytes", PROA_FMT(image->id), (unsigned long long)image->size);
        for (size_t k = 0; k < image->repo_tags.count; k++)
            printf(" %.*s", PROA_FMT(image->repo_tags.data[k]));
        printf("\n");
    }
    return 0;
}

/* An image that is not there is a reply without one, no error. */
static int run_image(const client *c, proa_bytes name)
{
    runtime_v1_ImageSpec spec = { .image = name };
    runtime_v1_ImageStatusRequest request = { .image = &spec };
    runtime_v1_ImageStatusResponse reply;
    if (check("image", runtime_v1_ImageService_ImageStatus(c->channel, &request, &reply, c->arena, &c->options)))
        return 1;
    if (!reply.image) {
        fprintf(stderr, "image: %.*s is not there\n", PROA_FMT(name));
        return 1;
    }
    printf("%.*s %llu bytes\n", PROA_FMT(reply.image->id), (unsigned long long)reply.image->size);
    return 0;
}

static int run_remove_image(const client *c, proa_bytes name)
{
    runtime_v1_ImageSpec spec = { .image = name };
    runtime_v1_RemoveImageRequest request = { .image = &spec };
    runtime_v1_RemoveImageResponse reply;
    return check("remove-image",
                 runtime_v1_ImageService_RemoveImage(c->channel, &request, &reply, c->arena, &c->options));
}

static const char *state_name(runtime_v1_ContainerState state)
{
    switch (state) {
    case runtime_v1_CONTAINER_CREATED: return "created";
    case runtime_v1_CONTAINER_RUNNING: return "running";
    case runtime_v1_CONTAINER_EXITED: return "exited";
    default: return "unknown";
    }
}

static int run_containers(const client *c)
{
    runtime_v1_ListContainersRequest request = { 0 };
    runtime_v1_ListContainersResponse reply;
    if (check("containers",
              runtime_v1_RuntimeService_ListContainers(c->channel, &request, &reply, c->arena, &c->options)))
        return 1;
    for (size_t i = 0; i < reply.containers.count; i++) {
        const runtime_v1_Container *container = &reply.containers.data[i];
        const proa_bytes name = container->metadata ? container->metadata->name : PROA_STR("?");
        printf("%.*s %s %.*s\n", PROA_FMT(container->id), state_name(container->state), PROA_FMT(name));
    }
    printf("%zu containers\n", reply.containers.count);
    return 0;
}

/* What happens to containers, as it happens: a stream without end, so it has no deadline. */
static int run_events(const client *c)
{
    runtime_v1_GetEventsRequest request = { 0 };
    proa_call *call = runtime_v1_RuntimeService_GetContainerEvents_begin(c->channel, &request, NULL);
    const runtime_v1_ContainerEventResponse *event;
    while ((event = runtime_v1_RuntimeService_GetContainerEvents_receive_reply(call))) {
        printf("%lld %.*s event %d\n", (long long)event->created_at, PROA_FMT(event->container_id),
               (int)event->container_event_type);
        fflush(stdout);
    }
    int failed = check("events", proa_call_status(call));
    proa_call_end(call);
    return failed;
}

static int run(const client *c, int count, char **words)
{
    const char *command = words[0];
    proa_bytes name = proa_bytes_of(count > 1 ? words[1] : NULL);
    if (strcmp(command, "version") == 0 && count == 1)
        return run_version(c);
    if (strcmp(command, "status") == 0 && count == 1)
        return run_status(c);
    if (strcmp(command, "images") == 0 && count == 1)
        return run_images(c);
    if (strcmp(command, "image") == 0 && count == 2)
        return run_image(c, name);
    if (strcmp(command, "remove-image") == 0 && count == 2)
        return run_remove_image(c, name);
    if (strcmp(command, "containers") == 0 && count == 1)
        return run_containers(c);
    if (strcmp(command, "events") == 0 && count == 1)
        return run_events(c);
    fprintf(stderr, "%s: no such command, or not with %d arguments\n", command, count - 1);
    return 2;
}

static int usage(const char *program)
{
    fprintf(stderr,
            "usage: %s [-a ADDRESS] [-t SECONDS] COMMAND\n"
            "  version                what the runtime is\n"
            "  status                 whether it is ready, and its network\n"
            "  images                 the images it has\n"
            "  image NAME             one of them\n"
            "  remove-image NAME      removes it\n"
            "  containers             the containers it has\n"
            "  events                 what happens to them (containerd 1.7, CRI-O 1.26)\n",
            program);
    return 2;
}

int main(int argc, char **argv)
{
    const char *address = "unix:/run/containerd/containerd.sock";
    client c = { .options = { .timeout_ns = 10 * PROA_SECOND } };
    for (int option; (option = getopt(argc, argv, "a:t:")) != -1;) {
        if (option == 'a')
            address = optarg;
        else if (option == 't')
            c.options.timeout_ns = strtol(optarg, NULL, 10) * PROA_SECOND;
        else
            return usage(argv[0]);
    }
    if (optind == argc)
        return usage(argv[0]);
    proa_trace trace = { proa_trace_to_stderr, NULL, proa_trace_areas(getenv("PROA_TRACE")) };
    c.channel = proa_channel_open(address, &(proa_channel_options){ .trace = &trace });
    c.arena = proa_arena_new(0);
    int rc = run(&c, argc - optind, argv + optind);
    proa_arena_free(c.arena);
    proa_channel_close(c.channel);
    return rc;
}
