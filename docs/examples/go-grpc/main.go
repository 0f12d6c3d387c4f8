// Places an order, reads what happens to it from the account's stream of reports, and cancels it.
//
//	go run . -addr 127.0.0.1:7401 -account 1
//
// A report has a number. Who keeps the last one that was read misses nothing: the next stream begins after it.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	pb "example.org/openbell-go-grpc/openbellv1"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:7401", "address of the exchange")
	account := flag.Uint("account", 1, "id of the account")
	symbol := flag.String("symbol", "BTC-USD", "name of the symbol")
	price := flag.String("price", "50000.00", "limit price, away from the market so that the order rests")
	token := flag.String("token", "", "token of the caller, where the exchange authenticates")
	flag.Parse()

	// With TLS: credentials.NewTLS(nil) in place of insecure.NewCredentials().
	conn, err := grpc.NewClient(*addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	check(err)
	defer conn.Close()
	trading := pb.NewTradingClient(conn)

	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if *token != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+*token)
	}

	// The stream begins with the next report. The header says that it is open.
	reports, err := trading.SubscribeReports(ctx, &pb.SubscribeReportsRequest{Account: uint32(*account)})
	check(err)
	_, err = reports.Header()
	check(err)

	placed, err := trading.PlaceOrder(ctx, &pb.PlaceOrderRequest{
		Account:  uint32(*account),
		Symbol:   *symbol,
		Side:     pb.Side_SIDE_BUY,
		OrderQty: "0.01",
		Price:    proto.String(*price),
		// Sent again with the same id, it is the same order.
		ClOrdId: uint64(time.Now().UnixMicro()),
	})
	check(err)
	order := placed.GetOrder()
	fmt.Printf("placed   %d %s %s at %s\n", order.GetOrderId(), order.GetOrdStatus(), order.GetOrderQty(), order.GetPrice())

	// What is refused has a reason for programs.
	_, err = trading.PlaceOrder(ctx, &pb.PlaceOrderRequest{
		Account: uint32(*account), Symbol: *symbol, Side: pb.Side_SIDE_BUY, OrderQty: "0.000000001", Price: proto.String(*price),
	})
	fmt.Printf("refused  %s\n", reason(err))

	_, err = trading.CancelOrder(ctx, &pb.CancelOrderRequest{
		Account: uint32(*account), Symbol: *symbol, Order: &pb.CancelOrderRequest_OrderId{OrderId: order.GetOrderId()},
	})
	check(err)

	for {
		next, err := reports.Recv()
		check(err)
		for _, report := range next.GetReports() {
			if report.GetOrderId() != order.GetOrderId() {
				continue
			}
			fmt.Printf("report   %d %s\n", report.GetReportNo(), report.GetExecType())
			if report.GetExecType() == pb.ExecType_EXEC_TYPE_CANCELLED {
				return
			}
		}
	}
}

// reason is the stable name of an error, such as INSUFFICIENT_FUNDS, or its text.
func reason(err error) string {
	for _, detail := range status.Convert(err).Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok {
			return info.GetReason()
		}
	}
	return fmt.Sprint(err)
}

func check(err error) {
	if err != nil {
		log.Fatalf("%s: %v", reason(err), err)
	}
}
