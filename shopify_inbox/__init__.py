"""The parts of the inbox: deliveries as they come in, what is done with them, their history, subscriptions, compliance."""
