// SPDX-License-Identifier: GPL-2.0
/*
 * BPF programs are compiled and do what they say: each of many socket filters
 * cuts a datagram to another length
 */
#include <linux/filter.h>
#include <sys/socket.h>

#include <kselftest_harness.h>

#define FILTERS	50

TEST(each_filter_cuts_to_its_length)
{
	char buffer[FILTERS * 2] = { 0 };
	int sockets[2];
	int i;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_DGRAM, 0, sockets));
	for (i = 1; i <= FILTERS; i++) {
		struct sock_filter code[] = {
			BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
			BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, i, 1, 0),
			BPF_STMT(BPF_RET | BPF_K, 0),
			BPF_STMT(BPF_RET | BPF_K, i),
		};
		struct sock_fprog program = { 4, code };

		ASSERT_EQ(0, setsockopt(sockets[1], SOL_SOCKET,
					SO_ATTACH_FILTER, &program,
					sizeof(program)));
		ASSERT_EQ(sizeof(buffer), send(sockets[0], buffer,
					       sizeof(buffer), 0));
		EXPECT_EQ(i, recv(sockets[1], buffer, sizeof(buffer),
				  MSG_DONTWAIT));
	}
}

TEST_HARNESS_MAIN
