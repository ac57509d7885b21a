"""What is placed: operator graphs of networks, published models, training steps, random graphs."""
