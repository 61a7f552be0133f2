"""What recorders write into their files: when, where and with which settings they recorded."""
