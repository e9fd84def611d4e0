/* SPDX-License-Identifier: Apache-2.0 */
/* Mail keeps each sender's order and none is lost, whoever sends from wherever. */
#include "io/mailbox.h"
#include "io/loop.h"
#include <pthread.h>
#include <signal.h>
#include <unistd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void a_mailbox_gives_the_oldest_first(void **state)
{
    (void)state;
    mailbox box = { NULL, false };
    io_mail mails[3];
    assert_null(mailbox_take(&box));
    assert_true(mailbox_push(&box, &mails[0]));
    assert_false(mailbox_push(&box, &mails[1]));
    assert_false(mailbox_is_empty(&box));
    assert_false(mailbox_push(&box, &mails[2]));
    io_mail *first = mailbox_take(&box);
    assert_ptr_equal(first, &mails[0]);
    assert_ptr_equal(first->next, &mails[1]);
    assert_ptr_equal(first->next->next, &mails[2]);
    assert_null(first->next->next->next);
    assert_true(mailbox_is_empty(&box));
    mailbox_set_awake(&box, true);
    assert_false(mailbox_push(&box, &mails[0]));
}

enum { SENDERS = 4, LETTERS = 2000 };

typedef struct letter {
    io_mail mail;
    int sender, number;
} letter;

static struct {
    io_loop *loop;
    letter letters[SENDERS][LETTERS];
    int next[SENDERS];
    int total;
} post;

static void deliver(io_mail *mail)
{
    letter *l = CONTAINER_OF(mail, letter, mail);
    assert_int_equal(l->number, post.next[l->sender]);
    post.next[l->sender]++;
    post.total++;
}

static void *send_all(void *arg)
{
    int sender = (int)(intptr_t)arg;
    for (int i = 0; i < LETTERS; i++) {
        post.letters[sender][i] = (letter){ { NULL, deliver }, sender, i };
        io_loop_post(post.loop, &post.letters[sender][i].mail);
        if (i % 100 == 0)
            usleep(50);
    }
    return NULL;
}

static void many_senders_wake_one_waiting_loop(void **state)
{
    (void)state;
    post.loop = io_loop_new(NULL);
    pthread_t threads[SENDERS];
    for (int i = 0; i < SENDERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, send_all, (void *)(intptr_t)i), 0);
    int64_t begin = io_clock_now();
    while (post.total < SENDERS * LETTERS)
        io_loop_turn(post.loop, 10 * PROA_SECOND);
    assert_true(io_clock_now() - begin < 60 * PROA_SECOND);
    for (int i = 0; i < SENDERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    io_loop_free(post.loop);
}

static int reposted;

static void post_again(io_mail *mail)
{
    if (++reposted < 3)
        io_loop_post(post.loop, mail);
}

static void mail_may_be_posted_again_while_it_is_delivered(void **state)
{
    (void)state;
    post.loop = io_loop_new(NULL);
    io_mail mail = { NULL, post_again };
    io_loop_post(post.loop, &mail);
    assert_true(io_loop_wait_ns(post.loop) == 0);
    for (int turn = 1; turn <= 3; turn++) {
        io_loop_turn(post.loop, -1);
        assert_int_equal(reposted, turn);
    }
    assert_true(io_loop_wait_ns(post.loop) == INT64_MAX);
    io_loop_free(post.loop);
}

static void free_itself(io_mail *mail)
{
    memory_free(mail);
    reposted = 100;
}

static void what_was_posted_is_delivered_even_by_free(void **state)
{
    (void)state;
    post.loop = io_loop_new(NULL);
    io_mail *mail = memory_new(sizeof *mail);
    mail->deliver = free_itself;
    io_loop_post(post.loop, mail);
    io_loop_free(post.loop);
    assert_int_equal(reposted, 100);
}

static io_mail from_signal;
static int signals;

static void count_signal(io_mail *mail)
{
    (void)mail;
    signals++;
}

static void on_signal(int number)
{
    (void)number;
    io_loop_post(post.loop, &from_signal); /* NOLINT(bugprone-signal-handler): that it may is the promise */
}

static void a_signal_handler_may_post(void **state)
{
    (void)state;
    post.loop = io_loop_new(NULL);
    from_signal.deliver = count_signal;
    signal(SIGUSR1, on_signal);
    raise(SIGUSR1);
    io_loop_turn(post.loop, -1);
    assert_int_equal(signals, 1);
    signal(SIGUSR1, SIG_DFL);
    io_loop_free(post.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mailbox_gives_the_oldest_first),
        cmocka_unit_test(many_senders_wake_one_waiting_loop),
        cmocka_unit_test(mail_may_be_posted_again_while_it_is_delivered),
        cmocka_unit_test(what_was_posted_is_delivered_even_by_free),
        cmocka_unit_test(a_signal_handler_may_post),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
