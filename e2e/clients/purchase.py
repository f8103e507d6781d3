"""Buys something with the clients of openapi-python-client: purchase.py CART LOMS USER"""

import sys
import uuid

from cart_client import Client as Cart
from cart_client.api.cart import add_item, checkout, clear_cart, list_cart
from cart_client.models import AddItemRequest
from loms_client import Client as Loms
from loms_client.api.orders import order_create, order_info, order_pay
from loms_client.models import Item, OrderCreateRequest, OrderInfoRequest, OrderPayRequest

SKU = 773297411
TOO_MANY = 65535

cart, loms, user = Cart(base_url=sys.argv[1]), Loms(base_url=sys.argv[2]), int(sys.argv[3])

clear_cart.sync(user, client=cart)
add_item.sync(user, SKU, client=cart, body=AddItemRequest(count=2))
listed = list_cart.sync(user, client=cart)
order_id = checkout.sync(user, client=cart).order_id
order_pay.sync(client=loms, body=OrderPayRequest(order_id=order_id))
info = order_info.sync(client=loms, body=OrderInfoRequest(order_id=order_id))
refused = order_create.sync(
    client=loms,
    idempotency_key=str(uuid.uuid4()),
    body=OrderCreateRequest(user=user, items=[Item(sku=SKU, count=TOO_MANY)]),
)

assert info.user == user, f"{info.user} is not {user}"
assert info.status == "payed", info.status
assert listed.total_price == 4404, listed.total_price
assert refused.code == "failed_precondition" and refused.order_id > order_id, refused
print(f"Python: user {info.user} payed order {order_id}")
