eval "echo old"
