"""Payment methods of customers. None can be made here (a vault and a payment gateway would be needed), so none is ever found.

Everything but the two mutations on an existing method needs scopes that the recorded app was not granted; Shopify requires
`write_customers` and `write_customer_payment_methods` together (source: the access texts of the schema).
"""

from __future__ import annotations

from typing import Any

from fake_shopify.context import Context
from fake_shopify.failures import access_denied, user_error
from fake_shopify.paging import EMPTY, Connection
from fake_shopify.registry import field, mutation, query
from fake_shopify.rows import Row

READ_SCOPE = "read_customer_payment_methods"
WRITE_SCOPE = "write_customer_payment_methods"
NO_METHOD = "Customer payment method does not exist"
NO_CUSTOMER = "Customer does not exist"


def _require(ctx: Context, name: str, key: str, scope: str) -> None:
    if not {scope, scope.replace("read_", "write_", 1)} & ctx.grant.scopes:
        raise access_denied(name, ctx.schema.scopes[key]["text"])


@query("customerPaymentMethod")
def customer_payment_method(ctx: Context, id: str, showRevoked: bool | None = None) -> None:
    """Answer a payment method: there is none."""
    _require(ctx, "customerPaymentMethod", "CustomerPaymentMethod", READ_SCOPE)
    ctx.require_type(id, "CustomerPaymentMethod")


@field("Customer", "paymentMethods")
def _payment_methods(row: Row, ctx: Context, **arguments: Any) -> Connection:
    _require(ctx, "paymentMethods", "CustomerPaymentMethod", READ_SCOPE)
    return EMPTY


@mutation("customerPaymentMethodSendUpdateEmail")
def customer_payment_method_send_update_email(
    ctx: Context, customerPaymentMethodId: str, email: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Ask the customer to renew a payment method (captured: customers-080, unknown)."""
    ctx.require_type(customerPaymentMethodId, "CustomerPaymentMethod")
    return {"customer": None, "userErrors": [user_error(["customerPaymentMethodId"], NO_METHOD)]}


@mutation("customerPaymentMethodGetUpdateUrl")
def customer_payment_method_get_update_url(ctx: Context, customerPaymentMethodId: str) -> dict[str, Any]:
    """Make a link with which a customer can renew a payment method (assumed: the words, after customers-080)."""
    ctx.require_type(customerPaymentMethodId, "CustomerPaymentMethod")
    error = user_error(["customerPaymentMethodId"], NO_METHOD, "PAYMENT_METHOD_DOES_NOT_EXIST")
    return {"updatePaymentMethodUrl": None, "userErrors": [error]}


@mutation("customerPaymentMethodRevoke")
def customer_payment_method_revoke(ctx: Context, customerPaymentMethodId: str) -> dict[str, Any]:
    """Revoke a payment method (assumed: the words, after customers-080)."""
    _require(ctx, "customerPaymentMethodRevoke", "customerPaymentMethodRevoke", WRITE_SCOPE)
    ctx.require_type(customerPaymentMethodId, "CustomerPaymentMethod")
    return {"revokedCustomerPaymentMethodId": None, "userErrors": [user_error(["customerPaymentMethodId"], NO_METHOD)]}


def _no_update(ctx: Context, name: str, id: str) -> dict[str, Any]:
    _require(ctx, name, name, WRITE_SCOPE)
    ctx.require_type(id, "CustomerPaymentMethod")
    return {"customerPaymentMethod": None, "userErrors": [user_error(["id"], NO_METHOD, "INVALID")]}


def _no_create(ctx: Context, name: str, customer_id: str) -> dict[str, Any]:
    """Refuse a new method: for a customer who exists because nothing can be vaulted here."""
    _require(ctx, name, name, WRITE_SCOPE)
    ctx.require_type(customer_id, "Customer")
    known = ctx.find("Customer", customer_id) is not None
    error = user_error(None, "The fake store has no payment vault") if known else user_error(["customerId"], NO_CUSTOMER)
    return {"customerPaymentMethod": None, "userErrors": [error | {"code": "INVALID"}]}


@mutation("customerPaymentMethodCreditCardCreate")
def customer_payment_method_credit_card_create(ctx: Context, customerId: str, **arguments: Any) -> dict[str, Any]:
    """Refuse to keep a credit card."""
    return _no_create(ctx, "customerPaymentMethodCreditCardCreate", customerId)


@mutation("customerPaymentMethodRemoteCreate")
def customer_payment_method_remote_create(ctx: Context, customerId: str, **arguments: Any) -> dict[str, Any]:
    """Refuse to keep a remote gateway's payment method."""
    return _no_create(ctx, "customerPaymentMethodRemoteCreate", customerId)


@mutation("customerPaymentMethodPaypalBillingAgreementCreate")
def customer_payment_method_paypal_create(ctx: Context, customerId: str, **arguments: Any) -> dict[str, Any]:
    """Refuse to keep a PayPal agreement."""
    return _no_create(ctx, "customerPaymentMethodPaypalBillingAgreementCreate", customerId)


@mutation("customerPaymentMethodCreditCardUpdate")
def customer_payment_method_credit_card_update(ctx: Context, id: str, **arguments: Any) -> dict[str, Any]:
    """Change a credit card: there is none."""
    return _no_update(ctx, "customerPaymentMethodCreditCardUpdate", id)


@mutation("customerPaymentMethodPaypalBillingAgreementUpdate")
def customer_payment_method_paypal_update(ctx: Context, id: str, **arguments: Any) -> dict[str, Any]:
    """Change a PayPal agreement: there is none."""
    return _no_update(ctx, "customerPaymentMethodPaypalBillingAgreementUpdate", id)
