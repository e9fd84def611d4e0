// SPDX-License-Identifier: Apache-2.0

// The echo of the benchmarks on grpc-go, with its defaults: server ADDRESS [CERT KEY].
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"os"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	pb "peers/bench/echo"
)

type echo struct{ pb.UnimplementedEchoServer }

func (echo) Unary(_ context.Context, request *pb.Message) (*pb.Message, error) {
	return &pb.Message{Payload: request.Payload}, nil
}

func (echo) Download(request *pb.StreamRequest, stream grpc.ServerStreamingServer[pb.Message]) error {
	message := &pb.Message{Payload: make([]byte, request.Size)}
	for i := int64(0); request.Count == 0 || i < request.Count; i++ {
		if err := stream.Send(message); err != nil {
			return err
		}
	}
	return nil
}

func (echo) Upload(stream grpc.ClientStreamingServer[pb.Message, pb.Summary]) error {
	summary := &pb.Summary{}
	for {
		message, err := stream.Recv()
		if err == io.EOF {
			return stream.SendAndClose(summary)
		}
		if err != nil {
			return err
		}
		summary.Count++
		summary.Bytes += int64(len(message.Payload))
	}
}

func (echo) Chat(stream grpc.BidiStreamingServer[pb.Message, pb.Message]) error {
	for {
		message, err := stream.Recv()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := stream.Send(message); err != nil {
			return err
		}
	}
}

func main() {
	var options []grpc.ServerOption
	if len(os.Args) == 4 {
		credentials, err := credentials.NewServerTLSFromFile(os.Args[2], os.Args[3])
		if err != nil {
			log.Fatal(err)
		}
		options = append(options, grpc.Creds(credentials))
	}
	listener, err := net.Listen("tcp", os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	server := grpc.NewServer(options...)
	pb.RegisterEchoServer(server, echo{})
	fmt.Println("listening on", listener.Addr())
	log.Fatal(server.Serve(listener))
}
