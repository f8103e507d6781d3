// Buys something with the clients of oapi-codegen: purchase CART LOMS USER
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"strconv"

	"purchase/cart"
	"purchase/loms"
)

const (
	sku     = 773297411
	tooMany = 65535
)

func main() {
	log.SetFlags(0)
	user, err := strconv.ParseInt(os.Args[3], 10, 64)
	must(err)
	shop, err := cart.NewClientWithResponses(os.Args[1])
	must(err)
	orders, err := loms.NewClientWithResponses(os.Args[2])
	must(err)
	ctx := context.Background()

	_, err = shop.ClearCartWithResponse(ctx, user)
	must(err)
	_, err = shop.AddItemWithResponse(ctx, user, sku, cart.AddItemRequest{Count: 2})
	must(err)
	listed, err := shop.ListCartWithResponse(ctx, user)
	must(err)
	checkedOut, err := shop.CheckoutWithResponse(ctx, user)
	must(err)
	orderID := checkedOut.JSON200.OrderId
	_, err = orders.OrderPayWithResponse(ctx, loms.OrderPayRequest{OrderID: orderID})
	must(err)
	info, err := orders.OrderInfoWithResponse(ctx, loms.OrderInfoRequest{OrderID: orderID})
	must(err)
	key := fmt.Sprintf("purchase-%d", orderID)
	refused, err := orders.OrderCreateWithResponse(ctx,
		&loms.OrderCreateParams{IdempotencyKey: &key},
		loms.OrderCreateRequest{User: user, Items: []loms.Item{{Sku: sku, Count: tooMany}}})
	must(err)

	expect(info.JSON200.User == user, info.JSON200)
	expect(info.JSON200.Status == "payed", info.JSON200)
	expect(listed.JSON200.TotalPrice == 4404, listed.JSON200)
	problem := refused.ApplicationproblemJSON412
	expect(problem != nil && *problem.OrderId > orderID, string(refused.Body))
	fmt.Printf("Go: user %d payed order %d\n", info.JSON200.User, orderID)
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func expect(holds bool, seen any) {
	if !holds {
		log.Fatalf("unexpected: %+v", seen)
	}
}
