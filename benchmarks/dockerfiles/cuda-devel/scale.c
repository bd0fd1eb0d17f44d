void scale(double *values, int count, double factor) {
    for (int at = 0; at < count; at++) values[at] *= factor;
}
