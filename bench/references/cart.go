// The reference of cart-http.ts in Go: the same two routes on net/http. Usage: main PORT
package main

import (
	"encoding/json"
	"net/http"
	"os"
	"strconv"
	"sync"
)

type item struct {
	Sku   int    `json:"sku_id"`
	Name  string `json:"name"`
	Count int    `json:"count"`
	Price int    `json:"price"`
}

type list struct {
	Items      []item `json:"items"`
	TotalPrice int    `json:"total_price"`
}

var (
	lock  sync.Mutex
	carts = map[string]map[int]int{}
)

func answer(w http.ResponseWriter, body any) {
	w.Header().Set("content-type", "application/json")
	json.NewEncoder(w).Encode(body)
}

func main() {
	http.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		answer(w, struct{}{})
	})
	http.HandleFunc("POST /user/{user}/cart/{sku}", func(w http.ResponseWriter, r *http.Request) {
		var body struct{ Count int }
		sku, err := strconv.Atoi(r.PathValue("sku"))
		if err != nil || json.NewDecoder(r.Body).Decode(&body) != nil {
			http.Error(w, "bad request", http.StatusBadRequest)
			return
		}
		lock.Lock()
		cart := carts[r.PathValue("user")]
		if cart == nil {
			cart = map[int]int{}
			carts[r.PathValue("user")] = cart
		}
		cart[sku] += body.Count
		lock.Unlock()
		answer(w, struct{}{})
	})
	http.HandleFunc("GET /user/{user}/cart/list", func(w http.ResponseWriter, r *http.Request) {
		var cart list
		lock.Lock()
		for sku, count := range carts[r.PathValue("user")] {
			cart.Items = append(cart.Items, item{sku, "Кроссовки Nike JORDAN", count, 2202})
			cart.TotalPrice += 2202 * count
		}
		lock.Unlock()
		answer(w, cart)
	})
	http.ListenAndServe("127.0.0.1:"+os.Args[1], nil)
}
