"""The running product: which processes it consists of, and their life from start to stop under supervisord."""
