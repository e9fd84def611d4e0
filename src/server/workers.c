/* SPDX-License-Identifier: Apache-2.0 */
#include "server/workers.h"
#include <pthread.h>
#include <signal.h>
#include <string.h>

struct workers {
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t moved;
    list queue;
    unsigned queued, queue_max;
    bool is_stopping;
    unsigned count;
    pthread_t threads[];
};

static void *work(void *user)
{
    workers *w = user;
    pthread_mutex_lock(&w->lock);
    for (;;) {
        list_node *node = list_pop(&w->queue);
        if (node) {
            w->queued--;
            pthread_mutex_unlock(&w->lock);
            call_work(call_of_node(node));
            pthread_mutex_lock(&w->lock);
        } else if (w->is_stopping) {
            break;
        } else {
            pthread_cond_wait(&w->moved, &w->lock);
        }
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

/* Signals are the program's, and its main thread's: workers take none. */
static int start(workers *w)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&w->threads[w->count], NULL, work, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc;
}

workers *workers_new(unsigned threads, unsigned queue_max, proa_error *error)
{
    workers *w = memory_new(sizeof *w + threads * sizeof w->threads[0]);
    if (!w) {
        error_set(error, PROA_ERR_NOMEM, "out of memory");
        return NULL;
    }
    list_init(&w->queue);
    w->queue_max = queue_max;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->moved, NULL);
    for (; w->count < threads; w->count++) {
        int rc = start(w);
        if (!rc)
            continue;
        workers_free(w);
        error_set(error, PROA_ERR_IO, "a worker's thread: %s", strerror(rc));
        return NULL;
    }
    return w;
}

bool workers_add(workers *w, proa_call *call)
{
    pthread_mutex_lock(&w->lock);
    bool has_room = w->queued < w->queue_max;
    if (has_room) {
        list_push(&w->queue, call_node(call));
        w->queued++;
        pthread_cond_signal(&w->moved);
    }
    pthread_mutex_unlock(&w->lock);
    return has_room;
}

bool workers_remove(workers *w, proa_call *call)
{
    pthread_mutex_lock(&w->lock);
    bool is_queued = list_has(call_node(call));
    list_remove(call_node(call));
    w->queued -= is_queued;
    pthread_mutex_unlock(&w->lock);
    return is_queued;
}

void workers_free(workers *w)
{
    if (!w)
        return;
    pthread_mutex_lock(&w->lock);
    w->is_stopping = true;
    pthread_cond_broadcast(&w->moved);
    pthread_mutex_unlock(&w->lock);
    for (unsigned i = 0; i < w->count; i++)
        pthread_join(w->threads[i], NULL);
    pthread_cond_destroy(&w->moved);
    pthread_mutex_destroy(&w->lock);
    memory_free(w);
}
