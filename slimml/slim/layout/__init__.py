"""Which layer each file lies in: layouts that are pulled quickly, and stay the same from build to build."""
