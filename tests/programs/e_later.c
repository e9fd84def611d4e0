/* SPDX-License-Identifier: Apache-2.0 */
/* (e) The answer comes from another thread. */
#include "e_later.h"

struct job {
    proa_later answer;
    const helloworld_HelloRequest *request;
    helloworld_HelloReply *reply;
    proa_arena *arena;
};

static void work(void *user) /* on a thread of the program's own pool */
{
    struct job *job = user;
    job->reply->message = proa_arena_format(job->arena, "Hello at last, %.*s", PROA_FMT(job->request->name));
    proa_later_finish(&job->answer, PROA_OK); /* the call, and with it job, may be gone now */
}

static proa_code say_hello(proa_call *call, const helloworld_HelloRequest *request, helloworld_HelloReply *reply)
{
    struct job *job = proa_call_state(call, sizeof *job);
    *job = (struct job){ .request = request, .reply = reply, .arena = proa_call_arena(call) };
    proa_code later = proa_call_later(call, &job->answer);
    if (!pool_add(work, job))
        proa_later_fail(&job->answer, PROA_RESOURCE_EXHAUSTED, "too many jobs");
    return later;
}

const helloworld_Greeter e_greeter = { .SayHello = say_hello };
